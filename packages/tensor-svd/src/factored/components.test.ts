import { disposeParams } from '@learngene/nn';
import { createGenerator, normal, permutation } from '@learngene/random';
import { checkGradient, expectClose, expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { frobenius } from '../../test/matrices';
import { svd } from '../decompositions';
import { matrixFromTensor } from '../tensor-matrix';
import { applyFactored, composeDense } from './apply';
import { concatComponents, selectComponents } from './components';
import { componentEnergies } from './energies';
import { factorDense } from './factor-dense';
import { mergeFactored, orthogonalizeFactored } from './orthogonalize';
import type { FactoredParams } from './params';
import { orthogonalityPenalty } from './penalty';
import { countForFraction, rankComponents, type Truncation, truncateFactored } from './truncate';

beforeAll(useTestBackend);

/** A layer with any u, s, v: nothing is orthogonal. */
function anyLayer(seed: number, size: { in: number; out: number; rank: number }, bias = false): FactoredParams {
  const g = createGenerator(seed);
  const draw = (shape: number[]) =>
    tf.tensor(
      normal(
        g,
        shape.reduce((a, b) => a * b),
      ),
      shape,
      'float32',
    );
  const f = {
    u: draw([size.out, size.rank]) as tf.Tensor2D,
    s: draw([size.rank]) as tf.Tensor1D,
    v: draw([size.in, size.rank]) as tf.Tensor2D,
  };
  return bias ? { ...f, bias: draw([size.out]) as tf.Tensor1D } : f;
}

const weight = (f: FactoredParams) => composeDense(f).weight;
const sizes = fc.record({
  in: fc.integer({ min: 1, max: 6 }),
  out: fc.integer({ min: 1, max: 6 }),
  rank: fc.integer({ min: 1, max: 8 }),
});
const seeds = fc.integer({ min: 0, max: 1000 });
/** Runs a law on random layers and frees their tensors. */
const law = (check: (size: { in: number; out: number; rank: number }, seed: number) => void) =>
  fc.assert(
    fc.property(sizes, seeds, (size, seed) => {
      tf.tidy(() => check(size, seed));
    }),
    { numRuns: 25 },
  );

describe('selectComponents and concatComponents', () => {
  test('a concatenation is the sum of its layers', () => {
    law((size, seed) => {
      const a = anyLayer(seed, size, true);
      const b = anyLayer(seed + 1, { ...size, rank: 2 }, true);
      const c = anyLayer(seed + 2, size);
      const x = tf.tensor(normal(createGenerator(seed), 3 * size.in), [3, size.in]);
      const sum = concatComponents(a, b, c);
      expect(sum.s.shape).toEqual([2 * size.rank + 2]);
      expectClose(applyFactored(sum, x), tf.addN([a, b, c].map((f) => applyFactored(f, x))), { atol: 1e-4 });
    });
  });

  test('a concatenation comes apart into what it was made of', () => {
    law((size, seed) => {
      const a = anyLayer(seed, size);
      const b = anyLayer(seed + 1, { ...size, rank: 3 });
      const both = concatComponents(a, b);
      const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
      const [first, second] = [
        selectComponents(both, range(0, size.rank)),
        selectComponents(both, range(size.rank, 3)),
      ];
      for (const name of ['u', 's', 'v'] as const) {
        expectClose(first[name], a[name], { atol: 0, rtol: 0 });
        expectClose(second[name], b[name], { atol: 0, rtol: 0 });
      }
    });
  });

  test('the order of components does not matter to the weight', () => {
    law((size, seed) => {
      const f = anyLayer(seed, size);
      const shuffled = selectComponents(f, permutation(createGenerator(seed), size.rank));
      expectClose(weight(shuffled), weight(f), { atol: 1e-4 });
    });
  });

  test('a selection and its complement add up to the layer', () => {
    law((size, seed) => {
      const f = anyLayer(seed, { ...size, rank: size.rank + 1 });
      const all = Array.from({ length: size.rank + 1 }, (_, i) => i);
      const even = all.filter((i) => i % 2 === 0);
      const odd = all.filter((i) => i % 2 === 1);
      expectClose(tf.add(weight(selectComponents(f, even)), weight(selectComponents(f, odd))), weight(f), {
        atol: 1e-4,
      });
    });
  });

  test('keep the bias of a selection, add those of a concatenation', () => {
    const a = anyLayer(1, { in: 2, out: 3, rank: 2 }, true);
    const b = anyLayer(2, { in: 2, out: 3, rank: 2 }, true);
    expectClose(selectComponents(a, [1]).bias as tf.Tensor, a.bias as tf.Tensor);
    expectClose(concatComponents(a, b).bias as tf.Tensor, tf.add(a.bias as tf.Tensor, b.bias as tf.Tensor));
    expect(concatComponents(a).bias).not.toBe(a.bias);
  });

  test('a concatenation passes gradients to every layer', () => {
    const a = anyLayer(3, { in: 3, out: 2, rank: 2 }, true);
    const b = anyLayer(4, { in: 3, out: 2, rank: 1 });
    const x = tf.tensor(normal(createGenerator(9), 6), [2, 3]);
    checkGradient(
      (u, v, bias) =>
        applyFactored(
          concatComponents({ ...a, u: u as tf.Tensor2D, bias: bias as tf.Tensor1D }, { ...b, v: v as tf.Tensor2D }),
          x,
        ),
      [a.u, b.v, a.bias as tf.Tensor],
    );
  });

  test('name what is wrong', () => {
    const f = anyLayer(1, { in: 2, out: 3, rank: 2 });
    expect(() => selectComponents(f, [])).toThrow('indices: expected at least one component, got none');
    expect(() => selectComponents(f, [0, 2])).toThrow('indices: expected integers from 0 to 1, got 2 at 1');
    expect(() => selectComponents(f, [0.5])).toThrow('indices: expected integers from 0 to 1, got 0.5 at 0');
    expect(() => concatComponents()).toThrow('layers: expected at least one layer, got none');
    expect(() => concatComponents(f, anyLayer(1, { in: 3, out: 3, rank: 2 }))).toThrow(
      'layers: expected in 2 and out 3 as the first, got in 3 and out 3',
    );
  });
});

describe('componentEnergies', () => {
  test('are the squared norms of the components', () => {
    law((size, seed) => {
      const f = anyLayer(seed, size);
      const norms = Array.from({ length: size.rank }, (_, i) => {
        return frobenius(weight(selectComponents(f, [i])).dataSync()) ** 2;
      });
      expectClose(componentEnergies(f), norms, { rtol: 1e-4 });
    });
  });

  test('are squared singular values after factoring, and add up to the squared norm', () => {
    const dense = weight(anyLayer(7, { in: 6, out: 9, rank: 6 }));
    const energies = componentEnergies(factorDense({ weight: dense }));
    const { s } = svd(matrixFromTensor(dense));
    expectClose(
      energies,
      s.map((value) => value ** 2),
      { rtol: 1e-5, atol: 1e-5 },
    );
    expectClose(
      energies.reduce((a, b) => a + b),
      frobenius(dense.dataSync()) ** 2,
      { rtol: 1e-5 },
    );
  });

  test('refuse NaN', () => {
    const f = anyLayer(1, { in: 2, out: 3, rank: 2 });
    expect(() => componentEnergies({ ...f, s: tf.tensor1d([1, Number.NaN]) })).toThrow('f: expected finite parameters');
  });
});

describe('orthogonalizeFactored and mergeFactored', () => {
  test('keep the weight, with orthonormal columns and descending s', () => {
    law((size, seed) => {
      const f = anyLayer(seed, size, true);
      const clean = orthogonalizeFactored(f);
      expectClose(weight(clean), weight(f), { atol: 2e-5, rtol: 1e-4 });
      expectClose(orthogonalityPenalty(clean), 0, { atol: 1e-10 });
      const s = Array.from(clean.s.dataSync());
      expect(s).toEqual([...s].sort((a, b) => b - a));
      expect(s.length).toBe(Math.min(size.rank, size.in, size.out));
      expectClose(clean.bias as tf.Tensor, f.bias as tf.Tensor);
    });
  });

  test('a merge is the sum, and the best one of its rank', () => {
    const a = anyLayer(11, { in: 7, out: 6, rank: 3 }, true);
    const b = anyLayer(12, { in: 7, out: 6, rank: 2 });
    const sum = tf.add(weight(a), weight(b)) as tf.Tensor2D;
    expectClose(weight(mergeFactored(a, b)), sum, { atol: 2e-5 });
    const { s } = svd(matrixFromTensor(sum));
    for (const rank of [1, 3, 4]) {
      const merged = mergeFactored(a, b, { rank });
      expect(merged.s.shape).toEqual([rank]);
      expectClose(frobenius(tf.sub(sum, weight(merged)).dataSync()), frobenius(s.subarray(rank)), { atol: 1e-4 });
      expectClose(merged.bias as tf.Tensor, a.bias as tf.Tensor);
    }
    expect(() => mergeFactored(a, b, { rank: 6 })).toThrow('rank: expected an integer from 1 to 5, got 6');
  });

  test('leave nothing behind', async () => {
    const a = anyLayer(11, { in: 5, out: 4, rank: 3 }, true);
    await expectNoLeak(() => {
      disposeParams(mergeFactored(a, a));
      disposeParams(orthogonalizeFactored(a));
      disposeParams(concatComponents(a, a));
      disposeParams(truncateFactored(a, { rank: 2 }));
      orthogonalityPenalty(a).dispose();
      componentEnergies(a);
    });
  });
});

describe('orthogonalityPenalty', () => {
  test('is its formula and has its gradient', () => {
    const f = anyLayer(5, { in: 4, out: 3, rank: 2 });
    const gram = (x: tf.Tensor2D) => tf.sub(tf.matMul(x, x, true), tf.eye(2));
    expectClose(orthogonalityPenalty(f), frobenius(gram(f.u).dataSync()) ** 2 + frobenius(gram(f.v).dataSync()) ** 2, {
      rtol: 1e-5,
    });
    checkGradient(
      (u, v) => orthogonalityPenalty({ ...f, u: u as tf.Tensor2D, v: v as tf.Tensor2D }),
      [tf.mul(f.u, 0.3), tf.mul(f.v, 0.3)],
    );
  });
});

describe('truncateFactored', () => {
  test('leaves the tail of the spectrum as error (Eckart and Young)', () => {
    const dense = weight(anyLayer(21, { in: 8, out: 6, rank: 6 }));
    const f = factorDense({ weight: dense });
    const { s } = svd(matrixFromTensor(dense));
    for (let rank = 1; rank <= 6; rank++) {
      const error = tf.sub(dense, weight(truncateFactored(f, { rank })));
      expectClose(frobenius(error.dataSync()), frobenius(s.subarray(rank)), { atol: 1e-4 });
    }
  });

  test('keeps the largest energies in their old order', () => {
    const f = { u: tf.ones<tf.Rank.R2>([2, 4]), s: tf.tensor1d([1, 4, -3, 1]), v: tf.ones<tf.Rank.R2>([3, 4]) };
    const kept = (by: Truncation) => Array.from(truncateFactored(f, by).s.dataSync());
    expect(kept({ rank: 2 })).toEqual([4, -3]);
    expect(kept({ rank: 3 })).toEqual([1, 4, -3]);
    // Energies 1, 16, 9, 1 of 27.
    expect(kept({ energyFraction: 0.5 })).toEqual([4]);
    expect(kept({ energyFraction: 0.6 })).toEqual([4, -3]);
    expect(kept({ energyFraction: 1 })).toEqual([1, 4, -3, 1]);
    // A component costs 6 parameters.
    expect(kept({ maxParams: 17 })).toEqual([4, -3]);
    expect(kept({ maxParams: 1000 })).toEqual([1, 4, -3, 1]);
    const withBias = { ...f, bias: tf.zeros<tf.Rank.R1>([2]) };
    expect(truncateFactored(withBias, { maxParams: 13 }).s.shape).toEqual([1]);
  });

  test('names what is wrong', () => {
    const f = anyLayer(5, { in: 4, out: 3, rank: 2 });
    expect(() => truncateFactored(f, { rank: 3 })).toThrow('rank: expected an integer from 1 to 2, got 3');
    expect(() => truncateFactored(f, { energyFraction: 0 })).toThrow(
      'energyFraction: expected a number in (0, 1], got 0',
    );
    expect(() => truncateFactored(f, { maxParams: 7 })).toThrow('maxParams: expected at least 8, got 7');
    expect(() => rankComponents([1, -1])).toThrow('energies: expected finite numbers of at least 0, got -1 at 1');
  });

  test('counts and ranks deterministically', () => {
    expect(Array.from(rankComponents([1, 3, 3, 0, 1]))).toEqual([1, 2, 0, 4, 3]);
    expect(countForFraction([0, 0], 1)).toBe(1);
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (energies, fraction) => {
          const count = countForFraction(energies, fraction);
          const sorted = [...energies].sort((a, b) => b - a);
          const sum = (n: number) => sorted.slice(0, n).reduce((a, b) => a + b, 0);
          expect(sum(count)).toBeGreaterThanOrEqual(fraction * sum(energies.length));
          if (count > 1) expect(sum(count - 1)).toBeLessThan(fraction * sum(energies.length));
        },
      ),
    );
  });
});
