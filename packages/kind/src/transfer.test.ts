import { disposeParams, flattenParams, type ParamTree } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { expectClose, expectNoLeak, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { inputsFor, noisyKind, tinyConfig, valuesOf } from '../test/tiny';
import { applyKind } from './apply';
import type { KindModel } from './params';
import { disposeKindTraining, disposeReplaced, initKindTraining } from './train-state';
import { kindTrainStep } from './train-step';
import { type TransferOptions, transferKind } from './transfer';

beforeAll(useTestBackend);

const NOVEL = [
  { name: 'moons', classes: [0, 2] },
  { name: 'suns', classes: [1], classNames: ['sun'] },
];

function source(gate: 'binary' | 'soft' = 'binary'): KindModel {
  const config = tinyConfig({ gate });
  return { config, params: noisyKind(config) };
}

const transfer = (model: KindModel, options: Partial<TransferOptions> = {}) =>
  transferKind(model, { groups: NOVEL, generator: createGenerator(6), domain: 'near', ...options });

describe('to novel classes', () => {
  test('starts every class as the class-agnostic model when labels start at the null row', () => {
    const model = source();
    const { config, params } = transfer(model, { labels: 'null', tailorRank: 3 });
    expect(config.dit.classes).toBe(3);
    expect(config.tailorRank).toBe(3);
    expect(params.tailors.moons.blocks[0].attn.q!.s.size).toBe(3);
    const inputs = inputsFor([0, 1, 2]);
    const agnostic = applyKind(model.params, { ...inputs, labels: Int32Array.of(5, 5, 5) }, { config: model.config });
    // Segments of one sample; WebGPU sums a product of another size in another order.
    const rounding = tf.getBackend() === 'webgpu' ? 1e-6 : 0;
    expect(relativeError(applyKind(params, inputs, { config }), agnostic)).toBeLessThanOrEqual(rounding);
  });

  test('trains the novel group in the batch and nothing else: 3 steps, bit for bit', () => {
    const { config, params } = transfer(source());
    let state = initKindTraining(params, { trainable: 'tailors' });
    const frozen = [params.shared, params.learngenes, params.tailors.suns].map((tree) => [
      ...flattenParams(tree).values(),
    ]);
    const before = valuesOf(params as unknown as ParamTree);
    const inputs = inputsFor([0, 2, 3]);
    for (let i = 0; i < 3; i++) {
      const loss = (denoiser: (x: tf.Tensor4D, t: tf.Tensor1D) => tf.Tensor4D) =>
        tf.mean(tf.square(denoiser(inputs.x, inputs.t))) as tf.Scalar;
      const next = kindTrainStep(
        { state, config, labels: inputs.labels, loss },
        { learningRate: 0.01, trainable: 'tailors' },
      );
      disposeReplaced(state, next.state);
      state = next.state;
    }
    const now = [state.params.shared, state.params.learngenes, state.params.tailors.suns];
    expect(now.map((tree) => [...flattenParams(tree).values()])).toEqual(frozen);
    for (const [k, tree] of now.entries()) {
      expect([...flattenParams(tree).values()].every((leaf, i) => leaf === frozen[k][i])).toBe(true);
    }
    const after = valuesOf(state.params as unknown as ParamTree);
    for (const name of Object.keys(before)) {
      const moved = before[name].some((value, i) => value !== after[name][i]);
      expect(moved, name).toBe(name.startsWith('tailors.moons.'));
    }
    disposeKindTraining(state);
  });

  test('can keep the old groups behind the novel classes', () => {
    const model = source();
    const { config, params } = transfer(model, { keepGroups: true });
    expect(config.dit.classes).toBe(8);
    expect(config.groups.map(({ classes }) => classes)).toEqual([[0, 2], [1], [6, 3], [4], [7], [5]]);
    const inputs = inputsFor([3, 1, 5]);
    const old = applyKind(model.params, inputs, { config: model.config });
    const shifted = { ...inputs, labels: Int32Array.of(6, 4, 8) };
    expect(relativeError(applyKind(params, shifted, { config }), old)).toBe(0);
  });

  test('starts a soft gate at zero rows, before those of kept groups', () => {
    const model = source('soft');
    const fresh = transfer(model);
    expectClose(fresh.params.gate!.weight, new Float32Array(2 * 16));
    const { params } = transfer(model, { keepGroups: true });
    expect(params.gate!.weight.shape).toEqual([6, 16]);
    expectClose(tf.slice(params.gate!.weight, [2, 0]), model.params.gate!.weight);
    expectClose(tf.slice(params.gate!.bias!, [2]), model.params.gate!.bias!);
    expectClose(tf.slice(params.gate!.bias!, [0], [2]), [0, 0]);
  });
});

describe('to a distant domain', () => {
  test('takes the learngenes alone, for another input too', () => {
    const model = source();
    const { config, params } = transfer(model, { domain: 'distant', input: { inChannels: 3 } });
    expect(config.dit.inChannels).toBe(3);
    expect(params.shared.patch.weight.shape).toEqual([16, 48]);
    expect(tf.norm(params.shared.blocks[1].adaln.weight).dataSync()[0]).toBe(0);
    for (const [name, leaf] of flattenParams(params.learngenes)) {
      expectClose(leaf, flattenParams(model.params.learngenes).get(name)!, { rtol: 0, atol: 0 });
    }
    expect(applyKind(params, inputsFor([0, 3], { dit: config.dit }), { config }).shape).toEqual([2, 8, 8, 3]);
  });
});

test('owns all its tensors: disposing it leaves the model alone, and nothing leaks', () =>
  expectNoLeak(() => {
    const model = source('soft');
    for (const options of [{}, { keepGroups: true }, { domain: 'distant' }, { labels: 'null' }] as const) {
      disposeParams(transfer(model, options).params);
    }
    expect([...flattenParams(model.params).values()].some((leaf) => leaf.isDisposed)).toBe(false);
    disposeParams(model.params);
  }));

test('rejects what does not go together, naming it', () => {
  const model = source();
  const run = (options: object) => () => transfer(model, options);
  expect(run({ domain: 'far' })).toThrow('domain: expected near or distant, got "far"');
  expect(run({ groups: [] })).toThrow('groups: expected at least one, got none');
  expect(run({ groups: [{ name: 'a', classes: [0, 3] }] })).toThrow("classes 0 to 1, got no '1'");
  expect(run({ groups: [{ name: 'x', classes: [0] }], keepGroups: true })).toThrow("'x' is used twice");
  expect(run({ keepGroups: true, domain: 'distant' })).toThrow('keepGroups');
  expect(run({ input: { inChannels: 3 } })).toThrow('input: expected none');
});
