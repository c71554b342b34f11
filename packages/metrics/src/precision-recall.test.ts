import { expectClose } from '@learngene/testing';
import { expect, test } from 'vitest';
import { gaussianFeatures } from '../test/random-features';
import { featureSet, reference } from '../test/reference';
import { precisionRecall } from './precision-recall';

test('counts equal those of torch-fidelity and of the ADM definition, for any block size', () => {
  const { torchFidelity, adm } = reference.precisionRecall;
  for (const blockRows of [1, 7, 512]) {
    const { precision, recall, fScore } = precisionRecall(featureSet('b'), featureSet('a'), { blockRows });
    expect({ precision, recall }).toEqual(adm);
    expectClose([precision, recall, fScore], Object.values(torchFidelity), { rtol: 1e-6 });
  }
});

test('1 for identical sets (duplicates included), 0 for far ones', () => {
  const a = gaussianFeatures(1, 21, 6);
  expect(precisionRecall(a, a)).toEqual({ precision: 1, recall: 1, fScore: 1 });
  const copies = { data: Float32Array.from({ length: 10 * 6 }, (_, i) => Math.sin(i % 6) * 300), count: 10, dims: 6 };
  expect(precisionRecall(copies, copies).recall).toBe(1);
  expect(precisionRecall(a, gaussianFeatures(2, 21, 6, 100))).toEqual({ precision: 0, recall: 0, fScore: 0 });
});

test('samples of one mode: precise, without recall', () => {
  const two = { data: Float32Array.of(0, 1, 2, 3, 4, 100, 101, 102, 103, 104), count: 10, dims: 1 };
  const mode = { data: Float32Array.of(0.5, 1.5, 2.5, 3.5), count: 4, dims: 1 };
  expect(precisionRecall(mode, two)).toMatchObject({ precision: 1, recall: 0.5 });
});

test('refusals', () => {
  const a = gaussianFeatures(1, 3, 2);
  expect(() => precisionRecall(a, a)).toThrow('samples: expected at least neighbors + 1 = 4 vectors, got 3');
  expect(() => precisionRecall(a, gaussianFeatures(1, 3, 3))).toThrow('reference: expected 2 dims');
  expect(() => precisionRecall(a, a, { neighbors: 0 })).toThrow('neighbors: expected an integer of at least 1, got 0');
});
