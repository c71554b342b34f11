import * as tf from '@tensorflow/tfjs-core';
import { leadingColumns } from '../dense/matrix';
import type { SvdResult } from '../linalg';
import { tensorFromMatrix } from '../tensor-matrix';
import type { FactoredParams } from './params';

/** The first `rank` components of a decomposition as float32 tensors that the caller owns; throws where s overflows. */
export function toFactored({ u, s, v }: SvdResult, rank: number): FactoredParams {
  if (!Number.isFinite(Math.fround(s[0]))) throw new Error(`s: expected values that float32 holds, got ${s[0]}`);
  return {
    u: tensorFromMatrix(leadingColumns(u, rank)),
    s: tf.tensor1d(Float32Array.from(s.subarray(0, rank)), 'float32'),
    v: tensorFromMatrix(leadingColumns(v, rank)),
  };
}

/** Throws unless `rank` is an integer from 1 to `largest`. */
export function checkRank(rank: number, largest: number): void {
  if (!Number.isInteger(rank) || rank < 1 || rank > largest) {
    throw new Error(`rank: expected an integer from 1 to ${largest}, got ${rank}`);
  }
}
