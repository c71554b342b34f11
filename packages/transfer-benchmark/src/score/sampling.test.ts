import { useTestBackend } from '@learngene/testing';
import type { DiffusionLearner } from '@learngene/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { parsePlan } from '../plan/benchmark-plan';
import { benchmarkPlans } from '../plan/plans';
import { drawSamples } from './sampling';

beforeAll(useTestBackend);

const { evaluation } = parsePlan(benchmarkPlans.smoke, 'plan');

/** A model that predicts the same clean sample everywhere. */
const constant = (value: number) =>
  ({ agnostic: false, predict: ({ x }) => tf.fill(x.shape, value) }) as Pick<DiffusionLearner, 'agnostic' | 'predict'>;

const draw = (value: number, decode?: (latents: tf.Tensor4D) => tf.Tensor4D) =>
  drawSamples(constant(value) as DiffusionLearner, {
    labels: Int32Array.of(0, 1),
    guidance: { mode: 'none', scale: 1 },
    shape: [2, 2, 3],
    evaluation,
    seed: 0,
    signal: new AbortController().signal,
    ...(decode && { decode }),
  });

test('latents are decoded, and not clipped before: their range is not that of pixels', async () => {
  // Twice as large, one channel, an eighth of the value: 4 becomes 0.5.
  const decode = (latents: tf.Tensor4D) =>
    tf.tidy(() =>
      tf.div<tf.Tensor4D>(tf.slice(tf.image.resizeNearestNeighbor(latents, [4, 4]), 0, [-1, -1, -1, 1]), 8),
    );
  const { data, count, height, width, channels } = await draw(4, decode);
  expect([count, height, width, channels]).toEqual([2, 4, 4, 1]);
  expect([...new Set(data)]).toEqual([Math.round(1.5 * 127.5)]);
});

test('pixels are clipped', async () => {
  const { data, height, channels } = await draw(4);
  expect([height, channels]).toEqual([2, 3]);
  expect([...new Set(data)]).toEqual([255]);
});
