import { readFixture } from '@learngene/testing';
import type { DType } from '../src/dtype';

/** A tensor as the fixture script describes it: row-major bytes in hexadecimal, and the strides that it was saved with. */
export interface DescribedTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly hex: string;
}

interface ExpectedTorch {
  readonly state: readonly [string, DescribedTensor][];
  readonly checkpoint: readonly [string, DescribedTensor][];
  readonly list: readonly [string, DescribedTensor][];
  readonly tensor: readonly [string, DescribedTensor][];
  /** Plain values of Python, and their pickles of protocols 0 to 5 in hexadecimal. */
  readonly plain: unknown;
  readonly pickles: readonly string[];
}

export const expectedTorch = readFixture<ExpectedTorch>(import.meta.url, '../fixtures/torch/expected.json');
