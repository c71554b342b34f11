import { applyLinear, type LinearParams, matmulNN } from '@learngene/nn';
import { type Generator, uniform } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount, checkFields, checkPositive } from '../core/checks';
import type { LayerRank, LayerSettings } from '../core/layer-settings';
import type { LayerMethod } from '../core/method';
import { mapSegments } from '../core/segments';
import type { Leaves } from '../core/trees';
import { largestRank, rankAndAlpha, ranks } from './rank';

/** The update is the Hadamard product of two low-rank matrices. */
export interface LohaConfig {
  /** Name of the method. */
  readonly method: 'loha';
  /** r: rank of either factor; the update has rank up to r². */
  readonly rank: number;
  /** Numerator of the scaling alpha / rank (default the rank). */
  readonly alpha: number;
  /** Layers with another rank or alpha, or without an adapter (default none). */
  readonly layers?: LayerSettings<LayerRank>;
}

/**
 * LoHa: Hyeon-Woo et al. 2022, "FedPara", arXiv 2108.06098, as in LyCORIS and PEFT. Trained: w1a, w2a [out, r] and w1b,
 * w2b [r, in]; W' = W + scaling (w1a w1b) ∘ (w2a w2b). W' is formed once for each group and pass, and each sample is
 * multiplied with one weight.
 */
export const loha: LayerMethod<LohaConfig> = {
  kind: 'layer',
  paper: 'Hyeon-Woo et al. 2022, FedPara, arXiv 2108.06098; LoHa of LyCORIS, arXiv 2309.14859',
  base: 'dense',
  complete: (input, dit) => {
    checkFields('loha', input, ['method', 'rank', 'alpha']);
    const rank = input.rank ?? Math.min(8, largestRank(dit));
    const { alpha = rank } = input;
    checkCount('rank', rank, largestRank(dit));
    checkPositive('alpha', alpha);
    return { method: 'loha', rank, alpha };
  },
  layerSettings: rankAndAlpha,
  size: { field: 'rank', values: ranks },
  trained: ({ in: inputs, out }, { rank }) => ({
    w1a: [out, rank],
    w1b: [rank, inputs],
    w2a: [out, rank],
    w2b: [rank, inputs],
  }),
  frozen: (size) => ({ weight: [size.out, size.in] }),
  fresh: (_, { rank }, { generator, size: { in: inputs, out } }) => ({
    w1a: draw(generator, out, rank),
    w1b: draw(generator, rank, inputs),
    w2a: draw(generator, out, rank),
    w2b: tf.zeros([rank, inputs]),
  }),
  apply: (x, frozen, segments, config) =>
    mapSegments(x, segments, (rows, { leaves }) =>
      applyLinear({ ...frozen, weight: moved(frozen.weight, leaves, config) }, rows),
    ) as tf.Tensor3D,
  merge: (frozen, trained, config) => ({
    ...(frozen as LinearParams),
    weight: moved(frozen.weight, trained, config),
  }),
  macs: (size) => size.in * size.out,
  formationMacs: (size, { rank }) => size.in * size.out * (2 * rank + 1),
};

function moved(weight: tf.Tensor, trained: Leaves | undefined, { alpha, rank }: LohaConfig): tf.Tensor2D {
  if (!trained) return weight as tf.Tensor2D;
  const { w1a, w1b, w2a, w2b } = trained;
  return tf.add(weight, tf.mul(alpha / rank, tf.mul(matmulNN(w1a, w1b), matmulNN(w2a, w2b))));
}

/** [rows, columns] of U(±1 / sqrt(columns)), PEFT's Kaiming uniform with a = sqrt(5). */
function draw(generator: Generator, rows: number, columns: number): tf.Tensor2D {
  const bound = 1 / Math.sqrt(columns);
  return tf.tensor2d(uniform(generator, rows * columns, { low: -bound, high: bound }), [rows, columns]);
}
