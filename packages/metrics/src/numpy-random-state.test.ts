import { expect, test } from 'vitest';
import { reference } from '../test/reference';
import { numpyChoice, numpyPermutation, numpyRandomState } from './numpy-random-state';

test('permutations and choices equal numpy RandomState(2020) in sequence', () => {
  const { seed, permutation10, choice1000of5, permutation2000head } = reference.randomState;
  const state = numpyRandomState(seed);
  expect([...numpyPermutation(state, 10)]).toEqual(permutation10);
  expect([...numpyChoice(state, 1000, 5)]).toEqual(choice1000of5);
  expect([...numpyPermutation(state, 2000).subarray(0, 5)]).toEqual(permutation2000head);
});

test('seeds and sizes out of range are refused', () => {
  expect(() => numpyRandomState(-1)).toThrow('seed: expected an integer in [0, 2^32), got -1');
  expect(() => numpyChoice(numpyRandomState(0), 3, 4)).toThrow('size: expected at most 3');
});
