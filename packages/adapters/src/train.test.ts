import { flattenParams, mapParams, valueAndGrad } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { expectNoLeak, useTestBackend, weighted } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { bits, inputsFor, jitter, METHODS, tinyModel, titleOf } from '../test/tiny';
import { applyAdapted } from './apply';
import { type AdaptedModel, type AdapterParams, disposeAdapted, trainableParams } from './model';
import {
  type AdapterTrainState,
  adapterTrainStep,
  disposeAdapterTraining,
  disposeReplacedAdapters,
  initAdapterTraining,
} from './train';

beforeAll(useTestBackend);

type Adapters = Record<string, AdapterParams>;

/** A step that pulls the prediction of noisy inputs to a constant by class. */
function step(state: AdapterTrainState, labels: readonly number[], options: { lr?: number; dropped?: number[] } = {}) {
  const inputs = inputsFor(labels);
  const target = tf.tensor4d(
    labels.map((label) => label - 1),
    [labels.length, 1, 1, 1],
  );
  const loss = (denoiser: (x: tf.Tensor4D, t: tf.Tensor1D) => tf.Tensor4D) =>
    tf.mean(tf.square(tf.sub(denoiser(inputs.x, inputs.t), target))) as tf.Scalar;
  const { dropped } = options;
  const result = adapterTrainStep(
    { state, labels: inputs.labels, dropped, loss },
    { learningRate: options.lr ?? 1e-2, emaDecay: 0.5, clipNorm: 1 },
  );
  const value = result.loss.dataSync()[0];
  tf.dispose([inputs.x, inputs.t, target, result.loss, result.gradientNorm]);
  return { state: result.state, value };
}

describe.each(METHODS.map((method) => [titleOf(method), method] as const))('%s', (_, method) => {
  test('learns, and changes nothing that is frozen', () => {
    const model = tinyModel(method);
    const frozen = bits(model.frozen);
    let state = initAdapterTraining(model);
    const losses: number[] = [];
    for (let i = 0; i < 8; i++) {
      const next = step(state, [0, 1, 2, 0]);
      disposeReplacedAdapters(state, next.state);
      state = next.state;
      losses.push(next.value);
    }
    expect(losses.at(-1)).toBeLessThan(losses[0]);
    expect(bits(state.model.frozen)).toEqual(frozen);
    disposeAdapterTraining(state);
    expect(tf.memory().numTensors).toBe(0);
  });

  test('has the derivative of the forward pass in a batch of several adapters', () => {
    if (method.method === 'dora') return; // Its norms are constants of the gradient by design.
    tf.tidy(() => {
      const model = tinyModel(method, { noise: 0.1 });
      const inputs = inputsFor([2, 0, 3, 2, 0]);
      const f = (adapters: Adapters) => weighted(applyAdapted({ ...model, adapters }, inputs));
      const params = trainableParams(model);
      const { grads } = valueAndGrad(f, params);
      const zeros = mapParams((leaf) => tf.zerosLike(leaf), params);
      const direction = flattenParams(jitter(createGenerator(9), zeros, 1));
      const at = (h: number) =>
        f(mapParams((leaf, name) => tf.add(leaf, tf.mul(h, direction.get(name)!)), params)).dataSync()[0];
      const h = 2e-3;
      const numeric = (at(h) - at(-h)) / (2 * h);
      let analytic = 0;
      for (const [name, leaf] of flattenParams(grads)) {
        analytic += tf.sum(tf.mul(leaf, direction.get(name)!)).dataSync()[0];
      }
      expect(Math.abs(numeric - analytic)).toBeLessThan(0.02 * Math.max(1, Math.abs(numeric)));
    });
  });

  test('leaks nothing', () =>
    expectNoLeak(() => {
      const first = initAdapterTraining(tinyModel(method));
      const { state } = step(first, [1, 3, 1]);
      disposeReplacedAdapters(first, state);
      disposeAdapterTraining(state);
    }));
});

describe('adapterTrainStep', () => {
  const changed = (before: AdaptedModel, after: AdaptedModel) =>
    Object.keys(before.adapters).filter((name) => before.adapters[name] !== after.adapters[name]);

  test('touches the groups in the batch alone', () => {
    const first = initAdapterTraining(tinyModel({ method: 'lora', rank: 2 }));
    const { state } = step(first, [1, 3, 1]);
    expect(changed(first.model, state.model)).toEqual(['class-1']);
    expect(Object.keys(state.optimizer)).toEqual(['class-1']);
    expect(state.ema['class-0']).toBe(first.ema['class-0']);
    const second = step(state, [1, 2], { dropped: [1, 0] }).state;
    expect(changed(state.model, second.model)).toEqual(['class-2']);
    const third = step(second, [1, 2], { dropped: [1, 1] }).state;
    expect(changed(second.model, third.model)).toEqual([]);
    expect(third.step).toBe(3);
    for (const each of [first, state, second, third]) disposeAdapterTraining(each);
    expect(tf.memory().numTensors).toBe(0);
  });

  test('throws on a label out of range', () => {
    const state = initAdapterTraining(tinyModel({ method: 'lora', rank: 2 }));
    expect(() => step(state, [4])).toThrow('labels[0]: expected a class in [0, 3], got 4');
    disposeAdapted(state.model);
  });
});
