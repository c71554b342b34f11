import { disposeParams, flattenParams, type ParamTree, valueAndGrad } from '@learngene/nn';
import { orthogonalityPenalty } from '@learngene/tensor-svd';
import { expectClose, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { step } from '../test/one-step';
import { GROUPS, inputsFor, noisyKind, tinyConfig, valuesOf } from '../test/tiny';
import { applyKind } from './apply';
import type { KindParams } from './params';
import { disposeKindTraining, disposeReplaced, initKindTraining, type KindTrainState } from './train-state';

beforeAll(useTestBackend);

const leaves = (tree: ParamTree | undefined) => [...flattenParams(tree ?? {}).values()];
const same = (a: ParamTree, b: ParamTree) => leaves(a).every((leaf, i) => leaf === leaves(b)[i]);
const allNew = (a: ParamTree, b: ParamTree) => leaves(a).every((leaf, i) => leaf !== leaves(b)[i]);

describe('one step', () => {
  test('replaces shared, learngenes and the tailors in the batch, and nothing of another group', () => {
    const config = tinyConfig();
    const start = initKindTraining(noisyKind(config), { trainable: 'all' });
    expect(start.optimizer.tailors).toEqual({});
    const { state } = step(start, config, { labels: [3, 1, 0, 5] });
    for (const part of ['params', 'ema'] as const) {
      expect(allNew(start[part].shared, state[part].shared)).toBe(true);
      expect(allNew(start[part].learngenes, state[part].learngenes)).toBe(true);
      for (const name of ['pets', 'cars 1.5']) {
        expect(allNew(start[part].tailors[name], state[part].tailors[name])).toBe(true);
      }
      for (const name of ['trees', 'x']) expect(state[part].tailors[name]).toBe(start[part].tailors[name]);
    }
    expect(Object.keys(state.optimizer.tailors)).toEqual(['pets', 'cars 1.5']);
    disposeReplaced(start, state);
    disposeKindTraining(state);
  });

  test('gives each group a step count of its own', () => {
    const config = tinyConfig();
    let state = initKindTraining(noisyKind(config), { trainable: 'all' });
    for (const labels of [[3], [1, 1], [3, 4], [0, 5]]) {
      const next = step(state, config, { labels }).state;
      disposeReplaced(state, next);
      state = next;
    }
    const steps = Object.entries(state.optimizer.tailors).map(([name, { step: count }]) => [name, count]);
    expect(Object.fromEntries(steps)).toEqual({ pets: 3, 'cars 1.5': 1, trees: 1 });
    expect(state.optimizer.shared?.step).toBe(4);
    expect(state.step).toBe(4);
    disposeKindTraining(state);
  });

  test("is AdamW's: the first step moves every element with a gradient by the learning rate, against its sign", () => {
    const config = tinyConfig();
    const params = noisyKind(config);
    const start = initKindTraining(params, { trainable: 'all' });
    const inputs = inputsFor([2, 1, 2]);
    const { grads } = valueAndGrad(
      (p: KindParams) => tf.mean(tf.square(applyKind(p, inputs, { config }))) as tf.Scalar,
      params,
    );
    const { state } = step(start, config, { labels: [2, 1, 2] });
    const name = 'tailors.x.blocks.1.mlp.in.u';
    const [g, before, after] = [grads, params, state.params].map((tree) => flattenParams(tree).get(name)!.dataSync());
    const expected = before.map((p, i) => p - (0.01 * g[i]) / (Math.abs(g[i]) + 1e-8));
    expectClose(after, expected as Float32Array, { atol: 1e-5 });
    const averaged = flattenParams(state.ema).get(name)!;
    expectClose(averaged, before.map((p, i) => 0.9 * p + 0.1 * after[i]) as Float32Array);
    disposeParams(grads);
    disposeParams({ x: inputs.x, t: inputs.t });
    disposeReplaced(start, state);
    disposeKindTraining(state);
  });

  test('moves learngenes and tailors at their part of the rate, and the dense parts as ever', () => {
    const config = tinyConfig();
    const start = initKindTraining(noisyKind(config), { trainable: 'all' });
    const [whole, part] = [1, 0.25].map(
      (factorLearningRateScale) => step(start, config, { labels: [2, 1, 0], factorLearningRateScale }).state,
    );
    const moved = (state: KindTrainState, piece: (params: KindParams) => ParamTree) =>
      leaves(piece(state.params)).map((leaf, i) => tf.tidy(() => tf.sub(leaf, leaves(piece(start.params))[i])));
    const ratio = (piece: (params: KindParams) => ParamTree, expected: number) => {
      const [a, b] = [moved(whole, piece), moved(part, piece)];
      for (const [i, change] of a.entries())
        expectClose(b[i], change.dataSync().map((x) => x * expected) as Float32Array, { rtol: 1e-3, atol: 1e-6 });
      expect(Math.max(...a.map((change) => tf.tidy(() => tf.max(tf.abs(change)).dataSync()[0])))).toBeGreaterThan(5e-3);
      tf.dispose([...a, ...b]);
    };
    ratio((params) => params.shared, 1);
    ratio((params) => params.learngenes, 0.25);
    ratio((params) => params.tailors.x, 0.25);
  });

  test('reports the norm over all parameter groups before clipping, and clips them together', () => {
    const config = tinyConfig();
    const params = noisyKind(config);
    const start = initKindTraining(params, { trainable: 'all' });
    const free = step(start, config, { labels: [0, 1] });
    const clipped = step(start, config, { labels: [0, 1], clipNorm: free.norm / 4 });
    expect(clipped.norm).toBeCloseTo(free.norm, 3);
    const ratio = (piece: (state: KindTrainState) => ParamTree) => {
      const [a, b] = [clipped, free].map(({ state }) => leaves(piece(state))[3].dataSync());
      expectClose(a, b.map((m) => m / 4) as Float32Array, { rtol: 1e-3, atol: 1e-8 });
    };
    ratio((state) => state.optimizer.shared!.m);
    ratio((state) => state.optimizer.learngenes!.m);
    ratio((state) => state.optimizer.tailors.pets.m);
    const squares = [
      free.state.optimizer.shared!,
      free.state.optimizer.learngenes!,
      ...Object.values(free.state.optimizer.tailors),
    ]
      .flatMap(({ m }) => leaves(m))
      .reduce((sum, m) => sum + tf.tidy(() => tf.sum(tf.square(m)).dataSync()[0]) * 100, 0); // m = g / 10
    expect(Math.sqrt(squares) / free.norm).toBeCloseTo(1, 4);
  });

  test('decays the dense matrices of the shared parts and nothing else', () => {
    const config = tinyConfig();
    const start = initKindTraining(noisyKind(config), { trainable: 'all' });
    const plain = valuesOf(step(start, config, { labels: [2] }).state.params);
    const decayed = valuesOf(step(start, config, { labels: [2], weightDecay: 0.5 }).state.params);
    const before = valuesOf(start.params);
    for (const name of Object.keys(before)) {
      const expected = /^shared.*weight$/.test(name)
        ? plain[name].map((p, i) => p - 0.005 * before[name][i])
        : plain[name];
      expectClose(decayed[name], expected, { atol: 1e-6 });
    }
  });

  test('leaves all but the step count alone when the batch touches nothing trainable', () => {
    const config = tinyConfig();
    const start = initKindTraining(noisyKind(config), { trainable: 'tailors' });
    const { state, loss, norm } = step(start, config, { labels: [5, 1], dropped: [false, true], trainable: 'tailors' });
    // What is trainable has no part in the loss.
    const all = initKindTraining(start.params, { trainable: 'all' });
    expect(loss).toBe(step(all, config, { labels: [5, 1], dropped: [false, true], trainable: 'all' }).loss);
    expect(norm).toBe(0);
    expect(state.step).toBe(1);
    expect(same(start.params, state.params) && same(start.ema, state.ema)).toBe(true);
    disposeReplaced(start, state);
    disposeKindTraining(state);
  });

  test('adds the orthogonality penalty to the gradient, not to the loss', () => {
    const config = tinyConfig();
    const start = initKindTraining(noisyKind(config), { trainable: 'all' });
    const penalty = ({ params }: KindTrainState) =>
      tf.tidy(() => orthogonalityPenalty(params.tailors.x.blocks[0].attn.q!).dataSync()[0]);
    const plain = step(start, config, { labels: [2] });
    const pulled = step(start, config, { labels: [2], orthogonality: 100 });
    expect(pulled.loss).toBeCloseTo(plain.loss, 6);
    expect(pulled.norm).toBeGreaterThan(plain.norm);
    expect(penalty(pulled.state)).toBeLessThan(penalty(start));
    // Dense parts alone have no factors: the penalty is zero there.
    const denseOnly = initKindTraining(start.params, { trainable: 'tailors-and-shared' });
    const options = { trainable: 'tailors-and-shared', orthogonality: 100 } as const;
    const penalised = step(denseOnly, config, { labels: [5], ...options });
    const free = step(denseOnly, config, { labels: [5], ...options, orthogonality: 0 });
    expect([penalised.loss, penalised.norm]).toEqual([free.loss, free.norm]);
    expect(valuesOf(penalised.state.params)).toEqual(valuesOf(free.state.params));
  });

  test('trains the soft gate and the tailors of all groups', () => {
    const config = tinyConfig({ gate: 'soft' });
    const start = initKindTraining(noisyKind(config), { trainable: 'tailors' });
    const { state } = step(start, config, { labels: [2, 2], trainable: 'tailors' });
    expect(allNew(start.params.gate!, state.params.gate!)).toBe(true);
    expect(Object.keys(state.optimizer.tailors)).toEqual(GROUPS.map(({ name }) => name));
    expect(same(start.params.learngenes, state.params.learngenes)).toBe(true);
    disposeReplaced(start, state);
    disposeKindTraining(state);
  });
});

describe('what is trainable', () => {
  test.each([
    ['all', ['shared', 'learngenes']],
    ['tailors', []],
    ['tailors-and-shared', ['shared']],
    ['tailors-and-learngenes', ['learngenes']],
  ] as const)('%s: frozen parts are the same tensors in params and averages, without a state', (trainable, moved) => {
    const config = tinyConfig();
    const start = initKindTraining(noisyKind(config), { trainable });
    const { state } = step(start, config, { labels: [2, 4], trainable });
    for (const key of ['shared', 'learngenes'] as const) {
      const trained = (moved as readonly string[]).includes(key);
      expect(same(start.params[key], state.params[key])).toBe(!trained);
      expect(same(state.params[key], state.ema[key])).toBe(!trained);
      expect(state.optimizer[key] !== undefined).toBe(trained);
    }
    expect(allNew(start.params.tailors.x, state.params.tailors.x)).toBe(true);
    disposeReplaced(start, state);
    disposeKindTraining(state);
  });

  test('rejects an unknown word and a state made for another training', () => {
    const config = tinyConfig();
    const params = noisyKind(config);
    expect(() => initKindTraining(params, { trainable: 'some' as 'all' })).toThrow('trainable: expected one of all');
    const state = initKindTraining(params, { trainable: 'tailors' });
    expect(() => step(state, config, { labels: [1] })).toThrow("state: expected an optimizer state of 'shared'");
  });
});
