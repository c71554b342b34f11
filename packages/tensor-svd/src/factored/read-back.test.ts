import { paramLeaves } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import { expectClose, useDeviceBackend, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it as test } from 'vitest';
import {
  componentEnergies,
  componentEnergiesAsync,
  type FactoredParams,
  factorDense,
  factorDenseAsync,
  initFactored,
  matrixFromTensor,
  matrixFromTensorAsync,
  mergeFactored,
  mergeFactoredAsync,
  orthogonalizeFactored,
  orthogonalizeFactoredAsync,
  truncateFactored,
  truncateFactoredAsync,
} from '../index';

const draw = (...shape: number[]) => tf.tensor(normal(createGenerator(shape[0]), tf.util.sizeFromShape(shape)), shape);

/** A layer of which every tensor was made by an op. */
function layer(scale: number): FactoredParams {
  const [u, s, v] = [draw(6, 3), draw(3), draw(5, 3)].map((x) => tf.mul(x, scale));
  return { u, s, v, bias: tf.mul(draw(6), scale) } as FactoredParams;
}

const numbers = async (result: unknown): Promise<number[]> => {
  if (result instanceof Float64Array) return [...result];
  if ('data' in (result as object) && 'rows' in (result as object)) return [...(result as { data: Float64Array }).data];
  const leaves = await Promise.all(paramLeaves({ ...(result as FactoredParams) }).map((x) => x.data()));
  return leaves.flatMap((values) => [...values]);
};

const weight = () => tf.mul(draw(6, 5), 2) as tf.Tensor2D;

const CASES: [name: string, sync: () => unknown, async: () => Promise<unknown>][] = [
  ['matrixFromTensor', () => matrixFromTensor(weight()), () => matrixFromTensorAsync(weight())],
  ['componentEnergies', () => componentEnergies(layer(2)), () => componentEnergiesAsync(layer(2))],
  ['factorDense', () => factorDense({ weight: weight() }), () => factorDenseAsync({ weight: weight() })],
  [
    'orthogonalizeFactored',
    () => orthogonalizeFactored(layer(2), { rank: 2 }),
    () => orthogonalizeFactoredAsync(layer(2), { rank: 2 }),
  ],
  [
    'mergeFactored',
    () => mergeFactored(layer(2), layer(3), { rank: 4 }),
    () => mergeFactoredAsync(layer(2), layer(3), { rank: 4 }),
  ],
  [
    'truncateFactored',
    () => truncateFactored(layer(2), { rank: 2 }),
    () => truncateFactoredAsync(layer(2), { rank: 2 }),
  ],
];

describe('async forms', () => {
  test.each(CASES)('%sAsync gives what %s gives, on a device too', async (name, sync, async) => {
    await useTestBackend();
    const before = tf.memory().numTensors;
    const expected = await numbers(tf.getBackend() === 'webgpu' ? await async() : sync());
    const kept = tf.memory().numTensors - before;
    expect(await numbers(await async())).toEqual(expected);
    expect(tf.memory().numTensors - before).toBe(2 * kept);
    await useDeviceBackend();
    expect(sync).toThrow(`call ${name}Async and await it`);
    const close = name === 'mergeFactored' ? { rtol: 1e-5, atol: 1e-5 } : { rtol: 1e-6, atol: 1e-6 };
    expectClose(await numbers(await async()), expected, close);
  });

  test('fresh factors need no async form: they are made of numbers', async () => {
    await useDeviceBackend();
    const f = initFactored(createGenerator(1), { in: 4, out: 5, rank: 2, init: 'xavier-uniform' });
    expect(componentEnergies(f)).toHaveLength(2);
  });
});
