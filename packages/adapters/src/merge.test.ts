import { applyDit } from '@learngene/dit';
import { sharedGroup } from '@learngene/nn';
import { expectNoLeak, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { inputsFor, METHODS, tinyModel } from '../test/tiny';
import { applyAdapted } from './apply';
import { disposeMerged, mergeAdapters, unmergeAdapters } from './merge';
import { disposeAdapted } from './model';

beforeAll(useTestBackend);

const LORA = { method: 'lora', rank: 2 } as const;

describe('mergeAdapters', () => {
  test('of null is the base model for its null label', () => {
    tf.tidy(() => {
      for (const method of METHODS) {
        const model = tinyModel(method, { noise: 0.05 });
        const inputs = inputsFor([3, 3]);
        const merged = mergeAdapters(model, null);
        expect(merged.config.classes).toBe(0);
        const y = applyDit(merged.params, { ...inputs, labels: Int32Array.from([0, 0]) }, { config: merged.config });
        expect(relativeError(y, applyAdapted(model, inputs))).toBeLessThan(5e-6);
      }
    });
  });

  test('wants a name where there are several groups, and leaks nothing', async () => {
    const model = tinyModel(LORA);
    expect(() => mergeAdapters(model)).toThrow('group: expected a name or null, the model has 3 groups');
    disposeAdapted(model);
    for (const method of METHODS) {
      await expectNoLeak(() => {
        const shared = tinyModel(method, { groups: sharedGroup(2) });
        const merged = mergeAdapters(shared);
        disposeAdapted(unmergeAdapters(merged));
        disposeMerged(merged);
        disposeAdapted(shared);
      });
    }
  });
});
