import { createGenerator } from '@learngene/random';
import { afterEach, describe, expect, it as test } from 'vitest';
import { parkMiller } from '../test/matrices';
import { matmul, qr, svd, symmetricEigen, symmetricEigenvalues } from './decompositions';
import { jsSvd } from './dense/js-linalg';
import { createMatrix, transpose } from './dense/matrix';
import { type LinalgProvider, linalg, linalgName, registerLinalg } from './linalg';
import { randomizedSvd } from './randomized-svd';

const undo: (() => void)[] = [];
afterEach(() => {
  while (undo.length > 0) undo.pop()?.();
});
const register = (provider: Partial<LinalgProvider> & { name: string }) => undo.push(registerLinalg(provider));

describe('registerLinalg', () => {
  test('sends every decomposition to the provider', () => {
    const js = linalg();
    const calls: string[] = [];
    const noting = <A extends unknown[], R>(name: string, f: (...args: A) => R) => {
      return (...args: A): R => {
        calls.push(name);
        return f(...args);
      };
    };
    register({
      name: 'noting',
      svd: noting('svd', js.svd),
      symmetricEigen: noting('symmetricEigen', js.symmetricEigen),
      symmetricEigenvalues: noting('symmetricEigenvalues', js.symmetricEigenvalues),
      qr: noting('qr', js.qr),
      matmul: noting('matmul', js.matmul),
      transposedMatmul: noting('transposedMatmul', (x, y) => js.matmul(transpose(x), y)),
      permutedLower: noting('permutedLower', js.permutedLower),
    });
    const a = createMatrix(2, 2, [2, 1, 1, 2]);
    svd(a);
    symmetricEigen(a);
    symmetricEigenvalues(a);
    qr(a);
    matmul(a, a);
    expect(calls).toEqual(['svd', 'symmetricEigen', 'symmetricEigenvalues', 'qr', 'matmul']);
    expect(linalgName()).toBe('noting');
    calls.length = 0;
    randomizedSvd(a, { rank: 1, oversamples: 0, powerIterations: 1, normalizer: 'LU', generator: createGenerator(1) });
    const iteration = ['matmul', 'permutedLower', 'transposedMatmul', 'permutedLower'];
    expect(calls).toEqual([...iteration, 'matmul', 'qr', 'transposedMatmul', 'svd', 'matmul']);
  });

  test('keeps JavaScript for what the provider leaves out, and can be undone', () => {
    const before = linalgName();
    register({
      name: 'only qr',
      qr: () => {
        throw new Error('provider');
      },
    });
    expect(svd(parkMiller(1, 3, 2))).toEqual(jsSvd(parkMiller(1, 3, 2)));
    expect(() => qr(parkMiller(1, 3, 2))).toThrow('provider');
    undo.pop()?.();
    expect(linalgName()).toBe(before);
    expect(qr(parkMiller(1, 3, 2)).q.cols).toBe(2);
  });

  test('gives the provider checked arguments, and symmetric ones', () => {
    const seen: number[][] = [];
    register({
      name: 'seen',
      symmetricEigenvalues: (a) => {
        seen.push(Array.from(a.data));
        return new Float64Array(a.rows);
      },
    });
    symmetricEigenvalues(createMatrix(2, 2, [1, 2, 2 + 1e-9, 1]));
    expect(seen[0][1]).toBe(seen[0][2]);
    expect(() => symmetricEigenvalues(createMatrix(1, 2))).toThrow('square');
    expect(seen.length).toBe(1);
  });
});
