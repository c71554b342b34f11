import { expectClose } from '@learngene/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { logitSet, reference } from '../test/reference';
import { inceptionScore } from './inception-score';

test("torch-fidelity's figures: shuffled splits, and unshuffled ones", () => {
  const shuffled = inceptionScore(logitSet(), { convention: 'torch-fidelity' });
  const { torchFidelity, torchFidelity4 } = reference.inceptionScore;
  expectClose(shuffled.mean, torchFidelity.inception_score_mean, { rtol: 1e-13, atol: 0 });
  expectClose(shuffled.std, torchFidelity.inception_score_std, { rtol: 1e-12, atol: 0 });
  const four = inceptionScore(logitSet(), { splits: 4 });
  expectClose(four.mean, torchFidelity4.inception_score_mean, { rtol: 1e-13, atol: 0 });
});

test("ADM's figures: splits of 5000, and of 20 with a short last one", () => {
  expectClose(inceptionScore(logitSet()).mean, reference.inceptionScore.adm5000.mean, { rtol: 1e-13, atol: 0 });
  const twenty = inceptionScore(logitSet(), { splitSize: 20 });
  expectClose([twenty.mean, twenty.std], Object.values(reference.inceptionScore.adm20), { rtol: 1e-13, atol: 0 });
});

test('within 1 and the number of classes, both reached', () => {
  const dims = 3;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: dims, maxLength: 30 }), (values) => {
      const count = Math.floor(values.length / dims);
      const { mean } = inceptionScore({ data: Float32Array.from(values.slice(0, count * dims)), count, dims });
      expect(mean).toBeGreaterThanOrEqual(1 - 1e-12);
      expect(mean).toBeLessThanOrEqual(dims + 1e-12);
    }),
    { numRuns: 50, seed: 2 },
  );
  const certain = Float32Array.of(1000, 0, 0, 0, 1000, 0, 0, 0, 1000);
  expectClose(inceptionScore({ data: certain, count: 3, dims }).mean, 3, { rtol: 1e-12 });
  expectClose(inceptionScore({ data: new Float32Array(9), count: 3, dims }).mean, 1, { rtol: 1e-12 });
});

test('fewer images than splits, NaN, contradicting options', () => {
  const few = { data: new Float32Array(8), count: 4, dims: 2 };
  expect(() => inceptionScore(few, { convention: 'torch-fidelity' })).toThrow('images as splits (10), got 4');
  expect(() => inceptionScore({ ...few, data: few.data.fill(Number.NaN) })).toThrow('logits: expected finite values');
  expect(() => inceptionScore(logitSet(), { splits: 2, splitSize: 5 })).toThrow('not together with splitSize');
  expect(() => inceptionScore({ data: new Float32Array(0), count: 0, dims: 2 })).toThrow('logits.count');
});
