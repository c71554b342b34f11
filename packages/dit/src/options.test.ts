import { createGenerator } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it as test } from 'vitest';
import { dropLabels } from './labels';
import { patchify, unpatchify } from './patch';
import { positionTable } from './position';
import { timestepEmbedding } from './timestep';

beforeAll(useTestBackend);

const labels = Int32Array.of(0, 1);
const drop = (fields: object) =>
  dropLabels(labels, { generator: createGenerator(1), probability: 0.5, nullLabel: 2, ...fields });

/** Every scalar option outside the config (see config.test.ts) and wrong values beside NaN, infinity and -1. */
const OPTIONS: readonly [name: string, more: readonly number[], use: (value: number) => unknown][] = [
  ['dims', [0, 2, 7], (dims) => timestepEmbedding(tf.tensor1d([1]), { dims, shift: 0 })],
  ['shift', [2, 0.5], (shift) => timestepEmbedding(tf.tensor1d([1]), { dims: 8, shift: shift as 0 })],
  ['probability', [1.5], (probability) => drop({ probability })],
  ['nullLabel', [1.5], (nullLabel) => drop({ nullLabel })],
  ['patchSize', [0, 1.5], (patchSize) => patchify(tf.zeros([1, 4, 4, 1]), patchSize)],
  ['patchSize', [0, 1.5], (patchSize) => unpatchify(tf.zeros([1, 4, 4]), { patchSize, channels: 1 })],
  ['channels', [0, 1.5], (channels) => unpatchify(tf.zeros([1, 4, 4]), { patchSize: 2, channels })],
  ['dims', [0, 6, 1.5], (dims) => positionTable(dims, 2)],
  ['grid', [0, 1.5], (grid) => positionTable(8, grid)],
];

test.each(OPTIONS)('%s refuses NaN, infinity, a negative number and %j by its name', (name, more, use) => {
  tf.tidy(() => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -1, ...more]) {
      expect(() => use(value), `${name} = ${value}`).toThrow(new RegExp(`^${name}: expected .* got`));
    }
  });
});
