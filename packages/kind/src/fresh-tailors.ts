import { blockLinearNames, linearShape } from '@learngene/dit';
import { type Generator, normal } from '@learngene/random';
import { initFactored } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import type { KindConfig } from './config';
import { checkOptionNames } from './option-names';
import { mainLayers, type TailorParams } from './params';
import type { TailorGroup } from './tailor-groups';

/** Standard deviation of new label embeddings, DiT's. */
const LABEL_STD = 0.02;

/** Options of {@link freshTailors}. */
export interface FreshTailorsOptions {
  /** [1, D], copied into every label row of the group in place of random rows: the class-agnostic start. */
  readonly labelRow?: tf.Tensor2D;
}

/**
 * Tailors of a group that nobody has trained: u = 0, s = 1, v random orthonormal in every main layer. They add exactly
 * nothing, so every class starts as the learngenes' model, and u has a live gradient from the first step; s = 0 with
 * random u and v would give s a gradient but leave u and v without one. Label rows are N(0, 0.02²).
 *
 * @param g - advances by the layers' v in the order of `blockLinearNames`, then the label rows.
 * @param config - only `dit` and `tailorRank` are read.
 * @returns f32 parameters that the caller owns. Throws when tailorRank is above a layer's input width.
 */
export function freshTailors(
  g: Generator,
  { dit, tailorRank }: Pick<KindConfig, 'dit' | 'tailorRank'>,
  group: TailorGroup,
  options: FreshTailorsOptions = {},
): TailorParams {
  checkOptionNames('freshTailors', options, ['labelRow']);
  const { labelRow } = options;
  const blocks = mainLayers(blockLinearNames(dit), (name) =>
    initFactored(g, { ...linearShape(dit, name), rank: tailorRank, init: 'zero-output', bias: false }),
  );
  const rows = group.classes.length;
  return { blocks, label: { rows: labelRow ? tf.tile(labelRow, [rows, 1]) : labelRows(g, rows, dit.hiddenSize) } };
}

/** [count, D] label embeddings N(0, 0.02²). */
export function labelRows(g: Generator, count: number, D: number): tf.Tensor2D {
  return tf.tensor2d(normal(g, count * D, { std: LABEL_STD }), [count, D]);
}
