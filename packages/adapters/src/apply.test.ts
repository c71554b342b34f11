import { relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { inputsFor, tinyModel } from '../test/tiny';
import { adaptedLinear, applyAdapted } from './apply';
import { disposeAdapted, trainableParams } from './model';

beforeAll(useTestBackend);

const LORA = { method: 'lora', rank: 2 } as const;

describe('applyAdapted', () => {
  test('gives a sample the same in any batch', () => {
    tf.tidy(() => {
      const model = tinyModel({ method: 'pissa', rank: 3 }, { noise: 0.1 });
      const inputs = inputsFor([2, 3, 0, 2, 1]);
      const all = applyAdapted(model, inputs, { dropped: [0, 0, 1, 0, 0] });
      for (let n = 0; n < 5; n++) {
        const one = { x: tf.slice(inputs.x, n, 1), t: tf.slice(inputs.t, n, 1), labels: inputs.labels.slice(n, n + 1) };
        const y = applyAdapted(model, one, { dropped: [n === 2] });
        expect(relativeError(tf.slice(all, n, 1), y)).toBeLessThan(2e-6);
      }
    });
  });

  test('names what does not fit', () => {
    const model = tinyModel(LORA);
    const inputs = inputsFor([0, 1]);
    expect(() => applyAdapted(model, { ...inputs, labels: Int32Array.of(0) })).toThrow('labels: expected 2 labels');
    const { 'class-1': _, ...others } = model.adapters;
    expect(() => applyAdapted({ ...model, adapters: others }, inputs)).toThrow(
      "group: expected one of class-0, class-2, got 'class-1'",
    );
    const bare = { ...model, adapters: { ...others, 'class-1': { ...model.adapters['class-1'], layers: {} } } };
    expect(() => applyAdapted(bare, inputs)).toThrow(
      "adapters: expected tensors of 'class-1' at blocks.0.attn.q, got none",
    );
    expect(() => trainableParams(model, ['x'])).toThrow("got 'x'");
    tf.dispose([inputs.x, inputs.t]);
    disposeAdapted(model);
  });

  test('goes through the Linear seam only where layers are adapted', () => {
    const model = tinyModel({ method: 'bitfit' });
    expect(() => adaptedLinear(model, [])).toThrow("method: 'bitfit' replaces weights, not layers");
    disposeAdapted(model);
  });
});
