import { readFixture } from '@learngene/testing';
import type { FeatureSet } from '../src/index';

interface Numbers {
  count: number;
  data: number[];
}

interface Reference {
  scale: number;
  dims: number;
  sets: Record<'a' | 'b' | 'few' | 'few2', Numbers>;
  moments: { mean: number[]; covariance: number[] };
  fid: Record<'a-b' | 'a-few', { scipy: number; torchFidelity: number }> & { 'few-few2': { exact: number } };
  logits: Numbers & { classes: number };
  inceptionScore: Record<
    'torchFidelity' | 'torchFidelity4',
    { inception_score_mean: number; inception_score_std: number }
  > &
    Record<'adm20' | 'adm5000', { mean: number; std: number }>;
  kid: { subsets: number; subsetSize: number; mean: number; std: number }[];
  kidAll: { exact: number; exactFar: number; torchFidelityEqual: number };
  precisionRecall: {
    torchFidelity: { precision: number; recall: number; f_score: number };
    adm: { precision: number; recall: number };
  };
  randomState: { seed: number; permutation10: number[]; choice1000of5: number[]; permutation2000head: number[] };
}

/** What tools/fixtures/make_metrics.py wrote. */
export const reference = readFixture<Reference>(import.meta.url, '../fixtures/reference.json');

function toSet({ count, data }: Numbers, dims: number): FeatureSet {
  return { data: Float32Array.from(data, (value) => value / reference.scale), count, dims };
}

/** A named feature set of the fixture. */
export function featureSet(name: 'a' | 'b' | 'few' | 'few2'): FeatureSet {
  return toSet(reference.sets[name], reference.dims);
}

/** The logits of the fixture. */
export function logitSet(): FeatureSet {
  return toSet(reference.logits, reference.logits.classes);
}
