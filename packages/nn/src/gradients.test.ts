import '@tensorflow/tfjs-backend-cpu';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { layerNorm, registerGradients, valueAndGrad } from './index';
import { gradientConfigs } from './tfjs-gradients';

// The tests of this file run in order: the registry is the process's.
describe('registerGradients', () => {
  const x = () => tf.tensor1d([1, 2, 3]);
  const own = { kernelName: 'Floor', gradFunc: (dy: tf.Tensor) => ({ x: () => tf.mul(dy, 7) }) };

  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  test('is not done by importing the package: tf.grad throws and says what is missing', () => {
    expect(gradientConfigs.filter(({ kernelName }) => tf.getGradient(kernelName))).toEqual([]);
    expect(() => tf.grad((t) => tf.sum(tf.square(t)))(x())).toThrow('gradient function not found for');
  });

  test('is done by the first valueAndGrad, which leaves a gradient of the user alone', async () => {
    tf.registerGradient(own as unknown as tf.GradConfig);
    const { grads } = valueAndGrad((params) => tf.sum(tf.square(params.x)) as tf.Scalar, { x: x() });
    expect(Array.from(await grads.x.data())).toEqual([2, 4, 6]);
    expect(tf.getGradient('Floor')).toBe(own);
  });

  test('gives tf.grad the gradients of plain ops around an op of this package', async () => {
    registerGradients();
    const input = tf.tensor2d([[1, 2, 4, 3]]);
    const f = (t: tf.Tensor) => tf.sum(tf.mul(layerNorm(tf.square(t) as tf.Tensor2D), [1, 0, 0, 0]));
    const gradient = (await tf.grad(f)(input).array()) as number[][];
    const h = 1e-2;
    for (let i = 0; i < 4; i++) {
      const step = tf.mul(tf.oneHot([i], 4), h);
      const difference = tf.sub(f(tf.add(input, step)), f(tf.sub(input, step)));
      expect(gradient[0][i]).toBeCloseTo((await difference.data())[0] / (2 * h), 3);
    }
  });

  test('covers every gradient that tfjs-core has', () => {
    const core = fileURLToPath(import.meta.resolve('@tensorflow/tfjs-core/dist/register_all_gradients.js'));
    const folder = join(dirname(core), 'gradients');
    const names = readdirSync(folder).filter((name) => name.endsWith('_grad.js'));
    const declared = names.flatMap((name) =>
      Array.from(
        readFileSync(join(folder, name), 'utf8').matchAll(/^export const (\w+GradConfig)\b/gm),
        ([, config]) => config,
      ),
    );
    expect(gradientConfigs).toHaveLength(declared.length);
    expect(new Set(gradientConfigs.map(({ kernelName }) => kernelName)).size).toBe(declared.length);
    expect(gradientConfigs.filter(({ kernelName }) => !tf.getGradient(kernelName))).toEqual([]);
  });
});
