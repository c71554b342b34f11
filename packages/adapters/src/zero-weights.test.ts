import { applyDit, type DitParams } from '@learngene/dit';
import { disposeParams, flattenParams, mapParams, type ParamTree, sharedGroup } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { relativeError, useTestBackend, weighted } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { baseFor, DIT, inputsFor, METHODS, titleOf } from '../test/tiny';
import { applyAdapted } from './apply';
import { attachAdapters } from './attach';
import { mergeAdapters } from './merge';
import type { AdapterConfigInput } from './methods';
import { dora } from './methods/dora';
import { adapterTrainStep, disposeAdapterTraining, disposeReplacedAdapters, initAdapterTraining } from './train';

beforeAll(useTestBackend);

type Keeps = (row: number, column: number) => boolean;

/** What is zero in every main weight [out, in]. */
const ZEROS: readonly [string, Keeps][] = [
  ['a zero row', (row) => row !== 1],
  ['a zero column', (_, column) => column !== 2],
  ['zero weights', () => false],
];

/** The base that a method wants with main weights, or their factors, of which only what `keeps` says is left. */
function baseWith(input: AdapterConfigInput, keeps: Keeps): DitParams {
  const masked = (leaf: tf.Tensor, kept: Keeps): tf.Tensor => {
    const [rows, columns] = leaf.shape as [number, number];
    const mask = Float32Array.from({ length: leaf.size }, (_, i) => Number(kept(Math.floor(i / columns), i % columns)));
    return tf.mul(leaf, tf.tensor2d(mask, [rows, columns]));
  };
  return tf.tidy(() =>
    mapParams((leaf, name) => {
      if (/\.(attn|mlp)\.\w+\.weight$/.test(name)) return masked(leaf, keeps);
      if (/\.u$/.test(name)) return masked(leaf, (row) => keeps(row, 0));
      if (/\.v$/.test(name)) return masked(leaf, (row) => keeps(0, row));
      return tf.clone(leaf);
    }, baseFor(input) as ParamTree),
  ) as unknown as DitParams;
}

function expectFinite(tree: ParamTree): void {
  const broken = [...flattenParams(tree)].filter(([, leaf]) => !leaf.dataSync().every(Number.isFinite));
  expect(broken.map(([name]) => name)).toEqual([]);
}

describe.each(ZEROS)('a base with %s in every main layer', (_, keeps) => {
  test.each(METHODS.map((method) => [titleOf(method), method] as const))('%s trains and merges', (_, adapter) => {
    const base = baseWith(adapter, keeps);
    const model = attachAdapters(base, { dit: DIT, adapter, groups: sharedGroup(3), generator: createGenerator(3) });
    disposeParams(base);
    const { x, t, labels } = inputsFor([2, 0, 1]);
    let state = initAdapterTraining(model);
    for (let step = 0; step < 3; step++) {
      const loss = (denoiser: (x: tf.Tensor4D, t: tf.Tensor1D) => tf.Tensor4D) =>
        tf.tidy(() => tf.add(weighted(denoiser(x, t)), tf.mean(tf.square(denoiser(x, t))))) as tf.Scalar;
      const next = adapterTrainStep({ state, labels, loss }, { learningRate: 1e-2, clipNorm: 1 });
      expect(Number.isFinite(next.loss.dataSync()[0])).toBe(true);
      expect(Number.isFinite(next.gradientNorm.dataSync()[0])).toBe(true);
      disposeReplacedAdapters(state, next.state);
      state = next.state;
    }
    expectFinite(state.model.adapters as ParamTree);
    tf.tidy(() => {
      const merged = mergeAdapters(state.model);
      expectFinite(merged.params);
      const expected = applyDit(merged.params, { x, t, labels }, { config: merged.config });
      expect(relativeError(applyAdapted(state.model, { x, t, labels }), expected)).toBeLessThan(5e-6);
    });
    disposeAdapterTraining(state);
  });
});

test('DoRA: a zero row contributes 0 at the start, at any magnitude, and in the merged weight', () => {
  tf.tidy(() => {
    const config = dora.complete({ method: 'dora', rank: 2 }, DIT);
    const size = { in: 3, out: 2 };
    const frozen = { weight: tf.tensor2d([1, 2, 2, 0, 0, 0], [2, 3]), bias: tf.tensor1d([0.5, 0.25]) };
    const fresh = dora.fresh(frozen, config, { name: 'x', size, generator: createGenerator(1) });
    const x = tf.tensor3d([1, 1, 1], [1, 1, 3]);
    for (const leaves of [fresh, { ...fresh, magnitude: tf.tensor1d([6, 4]) }]) {
      const y = dora.apply(x, frozen, [{ start: 0, end: 1, leaves }], config).dataSync();
      expect(y[0]).toBeCloseTo((5 * leaves.magnitude.dataSync()[0]) / 3 + 0.5, 5);
      expect(y[1]).toBe(0.25);
      expect([...dora.merge(frozen, leaves, config).weight.dataSync().slice(3)]).toEqual([0, 0, 0]);
    }
  });
});
