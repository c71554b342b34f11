import { cloneParams, disposeParams } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { OPTIONS, step } from '../test/one-step';
import { DIT, inputsFor, noisyKind, tinyConfig } from '../test/tiny';
import { applyKind } from './apply';
import type { KindConfig } from './config-types';
import { initKind } from './init';
import type { KindParams } from './params';
import { disposeKindTraining, disposeReplaced, initKindTraining } from './train-state';
import { kindTrainStep } from './train-step';

beforeAll(useTestBackend);

describe('training on a toy task', () => {
  /** Each class has an image of its own; the model is to recover it from noise. */
  async function train(config: KindConfig, params: KindParams, steps: number) {
    const targets = tf.tensor4d(normal(createGenerator(9), DIT.classes * 64), [DIT.classes, 8, 8, 1]);
    const g = createGenerator(3);
    let state = initKindTraining(params, { trainable: 'all' });
    const losses: number[] = [];
    for (let i = 0; i < steps; i++) {
      const labels = Int32Array.from({ length: 5 }, (_, n) => n);
      const noise = tf.tensor4d(normal(g, 5 * 64), [5, 8, 8, 1]);
      const t = tf.fill([5], 10) as tf.Tensor1D;
      const loss = (denoiser: (x: tf.Tensor4D, t: tf.Tensor1D) => tf.Tensor4D) =>
        tf.mean(tf.squaredDifference(denoiser(noise, t), targets)) as tf.Scalar;
      const next = kindTrainStep({ state, config, labels, loss }, { ...OPTIONS, learningRate: 0.02, clipNorm: 1 });
      disposeReplaced(state, next.state);
      state = next.state;
      losses.push(next.loss.dataSync()[0]);
      for (const tensor of [next.loss, next.gradientNorm, noise, t]) tensor.dispose();
    }
    return { state, losses, targets };
  }

  test('lowers the loss and diverts: a class does worse with the tailors of another', async () => {
    const config = tinyConfig({ groups: Array.from({ length: 5 }, (_, id) => ({ name: `c${id}`, classes: [id] })) });
    const { state, losses, targets } = await train(config, initKind(createGenerator(1), config), 30);
    expect(losses[29]).toBeLessThan(0.8 * losses[0]);
    const error = (id: number, tailorsOf: number) =>
      tf.tidy(() => {
        // The class's own label row with another class's factors: only the components differ.
        const own = state.params.tailors[`c${id}`];
        const tailors = {
          ...state.params.tailors,
          [`c${id}`]: { ...own, blocks: state.params.tailors[`c${tailorsOf}`].blocks },
        };
        const inputs = { x: inputsFor([id]).x, t: tf.tensor1d([10]), labels: Int32Array.of(id) };
        const y = applyKind({ ...state.params, tailors }, inputs, { config });
        return tf.mean(tf.squaredDifference(y, tf.slice(targets, [id], [1]))).dataSync()[0];
      });
    const ids = [0, 1, 2, 3, 4];
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const own = mean(ids.map((id) => error(id, id)));
    const other = mean(ids.flatMap((id) => ids.filter((k) => k !== id).map((k) => error(id, k))));
    expect(own).toBeLessThan(other);
    targets.dispose();
    disposeKindTraining(state);
  });

  test('leaks nothing over two consecutive steps', () =>
    expectNoLeak(() => {
      const config = tinyConfig();
      const params = noisyKind(config);
      const first = initKindTraining(cloneParams(params), { trainable: 'all' });
      const options = { clipNorm: 1, weightDecay: 0.1, orthogonality: 0.1 };
      const second = step(first, config, { labels: [3, 2, 0, 5], dropped: [true, false, false, false], ...options });
      disposeReplaced(first, second.state);
      const third = step(second.state, config, { labels: [4, 2], ...options });
      disposeReplaced(second.state, third.state);
      disposeKindTraining(third.state);
      expect(params.shared.patch.weight.isDisposed).toBe(false);
      disposeParams(params);
    }));

  test('leaves no tensor behind when the loss throws', () =>
    expectNoLeak(() => {
      const config = tinyConfig();
      const state = initKindTraining(noisyKind(config), { trainable: 'all' });
      const failing = () => {
        throw new Error('no data');
      };
      const inputs = { state, config, labels: Int32Array.of(1), loss: failing };
      expect(() => kindTrainStep(inputs, OPTIONS)).toThrow('no data');
      disposeKindTraining(state);
    }));
});
