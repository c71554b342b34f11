import { applyDit } from '@learngene/dit';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { expectNoLeak, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { DIT, denseBase, inputsFor, tinyModel } from '../test/tiny';
import { applyAdapted } from './apply';
import { subTree } from './core/trees';
import { applyLowRankDit, initLowRankDit, lowRankFromDense } from './low-rank-dit';

beforeAll(useTestBackend);

describe('plain low-rank models', () => {
  test('cut from a dense one at full rank are that one', () => {
    tf.tidy(() => {
      const base = denseBase();
      const inputs = inputsFor([0, 4, 5]);
      const wanted = applyDit(base, inputs, { config: DIT });
      const full = lowRankFromDense(base, DIT, { rank: 16 });
      expect(relativeError(applyLowRankDit(full, inputs, { config: DIT }), wanted)).toBeLessThan(2e-6);
      const errors = [4, 8, 12].map((rank) => {
        const cut = lowRankFromDense(base, DIT, { rank });
        return relativeError(applyLowRankDit(cut, inputs, { config: DIT }), wanted);
      });
      expect(errors[0]).toBeGreaterThan(errors[2]);
    });
    const base = denseBase();
    expect(() => lowRankFromDense(base, DIT, { rank: 17 })).toThrow('rank: expected an integer from 1 to 16, got 17');
    disposeParams(base);
  });

  test("have Xavier's energy at any rank and leak nothing", async () => {
    for (const rank of [2, 16]) {
      const params = initLowRankDit(createGenerator(1), DIT, { rank });
      const s = Array.from(subTree<tf.Tensor>(params as ParamTree, 'blocks.0.attn.q.s')!.dataSync());
      expect(s.reduce((sum, value) => sum + value ** 2, 0)).toBeCloseTo((2 * 16 * 16) / (16 + 48), 4);
      disposeParams(params);
    }
    await expectNoLeak(() => {
      const base = denseBase();
      disposeParams(lowRankFromDense(base, DIT, { rank: 3 }));
      disposeParams(base);
    });
  });

  test('kept whole or cut: tailors on the leading components', () => {
    tf.tidy(() => {
      const whole = tinyModel({ method: 'low-rank', keep: 8, rank: 2 });
      const cut = tinyModel({ method: 'low-rank', keep: 5, rank: 2 });
      const inputs = inputsFor([0, 1, 2]);
      const [a, b] = [whole, cut].map((model) => applyAdapted(model, inputs));
      expect(relativeError(b, a)).toBeGreaterThan(1e-4);
    });
  });
});
