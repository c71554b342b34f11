import { applyDit, type DitParams } from '@learngene/dit';
import { countParams, flattenParams, sharedGroup, valueAndGrad } from '@learngene/nn';
import { expectClose, relativeError, useTestBackend, weighted } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { baseFor, bits, DIT, inputsFor, METHODS, tinyModel, titleOf } from '../test/tiny';
import { applyAdapted } from './apply';
import { countAdapted } from './count';
import { applyLowRankDit, type LowRankDitParams } from './low-rank-dit';
import { disposeMerged, mergeAdapters, unmergeAdapters } from './merge';
import { adapterMethods } from './methods';
import { type AdapterParams, disposeAdapted, trainableParams } from './model';

beforeAll(useTestBackend);

/** Methods whose start is the base model itself. */
const startsAtBase = METHODS.filter(
  ({ method }) => !['heur-lg', 'auto-lg', 'fine', 'svd-cut', 'low-rank'].includes(method),
);

describe.each(METHODS.map((method) => [titleOf(method), method] as const))('%s', (_, method) => {
  test('merges into what it applies, for every class', () => {
    tf.tidy(() => {
      const model = tinyModel(method, { noise: 0.05 });
      const inputs = inputsFor([2, 0, 1, 2]);
      const y = applyAdapted(model, inputs);
      for (const [n, label] of inputs.labels.entries()) {
        const merged = mergeAdapters(model, `class-${label}`);
        const one = { x: tf.slice(inputs.x, n, 1), t: tf.slice(inputs.t, n, 1), labels: Int32Array.from([0]) };
        const expected = applyDit(merged.params, one, { config: merged.config });
        expect(relativeError(tf.slice(y, n, 1), expected)).toBeLessThan(5e-6);
      }
    });
  });

  test('unmerges to the bits it had', () => {
    const model = tinyModel(method, { noise: 0.05 });
    const before = bits({ frozen: model.frozen, adapters: model.adapters });
    const merged = mergeAdapters(model, 'class-1');
    disposeAdapted(model);
    const after = unmergeAdapters(merged);
    disposeMerged(merged);
    expect(bits({ frozen: after.frozen, adapters: after.adapters })).toEqual(before);
    expect(after.config).toEqual(model.config);
    disposeAdapted(after);
  });

  test('counts what it trains and what stays', () => {
    const model = tinyModel(method);
    const counts = countAdapted(model.config);
    const { layers, label } = model.adapters['class-1'];
    expect(countParams(layers)).toBe(counts.adapter);
    expect(countParams(label)).toBe(counts.labelRow);
    expect(countParams(trainableParams(model))).toBe(counts.trainable);
    expect(countParams(model.frozen)).toBe(counts.frozen);
    expect(counts.bytesPerGroup).toBe(4 * (counts.adapter + counts.labelRow));
    disposeAdapted(model);
  });

  test('sends each sample its own gradient, the base samples none', () => {
    tf.tidy(() => {
      const model = tinyModel(method, { noise: 0.05 });
      const inputs = inputsFor([2, 3, 0]);
      const { grads } = valueAndGrad(
        (adapters: Record<string, AdapterParams>) => weighted(applyAdapted({ ...model, adapters }, inputs)),
        trainableParams(model),
      );
      const zero = [...flattenParams(grads['class-1'])].every(([, g]) => tf.max(tf.abs(g)).dataSync()[0] === 0);
      expect(zero).toBe(true);
      for (const name of ['class-0', 'class-2']) {
        const dead = [...flattenParams(grads[name])].filter(([, g]) => tf.max(tf.abs(g)).dataSync()[0] === 0);
        // The null row of a whole model that saw no sample without a label.
        expect(dead.filter(([leaf]) => leaf !== 'layers.label.null')).toEqual([]);
      }
    });
  });

  test('gives the same to a shared adapter as to one a class with the same tensors', () => {
    tf.tidy(() => {
      const shared = tinyModel(method, { noise: 0.05, groups: sharedGroup(3), nullGate: 'own-class' });
      const perClass = tinyModel(method, { nullGate: 'own-class' });
      const { layers, label } = shared.adapters.all;
      const adapters = [0, 1, 2].map((id) => [`class-${id}`, { layers, label: { rows: tf.slice(label.rows, id, 1) } }]);
      const inputs = inputsFor([1, 0, 1, 2]);
      const options = { dropped: [0, 0, 1, 0] };
      const expected = applyAdapted(shared, inputs, options);
      const model = { ...perClass, frozen: shared.frozen, adapters: Object.fromEntries(adapters) };
      expect(relativeError(applyAdapted(model, inputs, options), expected)).toBeLessThan(2e-6);
    });
  });

  test('says its paper', () => {
    expect(adapterMethods[method.method].paper.length).toBeGreaterThan(20);
  });
});

describe.each(startsAtBase.map((method) => [titleOf(method), method] as const))('%s', (_, method) => {
  test('starts as the base model', () => {
    tf.tidy(() => {
      const base = baseFor(method) as DitParams;
      const model = tinyModel(method, { labels: 'base' });
      const inputs = inputsFor([2, 0, 3, 1]);
      const old = { ...inputs, labels: Int32Array.from([2, 0, 5, 1]) };
      const expected = applyDit(base, old, { config: DIT });
      expect(relativeError(applyAdapted(model, inputs), expected)).toBeLessThan(3e-6);
    });
  });
});

test('low-rank tailors start as the low-rank model', () => {
  tf.tidy(() => {
    const base = baseFor({ method: 'low-rank' }) as LowRankDitParams;
    const inputs = inputsFor([2, 0, 3, 1]);
    const expected = applyLowRankDit(base, { ...inputs, labels: Int32Array.from([2, 0, 5, 1]) }, { config: DIT });
    const model = tinyModel({ method: 'low-rank', keep: 8, rank: 3 }, { labels: 'base' });
    expectClose(applyAdapted(model, inputs), expected);
  });
});
