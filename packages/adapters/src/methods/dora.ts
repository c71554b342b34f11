import { applyLinear, type LinearParams } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { LayerMethod } from '../core/method';
import { addDelta, constant, perSample } from '../core/segments';
import type { Leaves } from '../core/trees';
import { addProduct, applyLoras, completeLora, factorShapes, freshLora, type LoraConfig, scalingOf } from './lora';
import { rankAndAlpha, ranks } from './rank';

/** Weight-decomposed low-rank adaptation: a direction by LoRA, a magnitude for every output. */
export type DoraConfig = Omit<LoraConfig, 'method'> & {
  /** Name of the method. */
  readonly method: 'dora';
};

/**
 * DoRA: Liu et al. 2024, "DoRA: Weight-Decomposed Low-Rank Adaptation", arXiv 2402.09353. Trained: a, b as in LoRA and
 * the magnitude m [out]; W' = m (W + scaling B A) / ‖W + scaling B A‖, norms by output. As section 4.3 proposes and
 * PEFT does, the norm is a constant of the gradient. A row of W + scaling B A that is zero has no direction: it
 * contributes 0 and gets no gradient (PEFT divides by its norm, NaN).
 */
export const dora: LayerMethod<DoraConfig> = {
  kind: 'layer',
  paper: 'Liu et al. 2024, DoRA, arXiv 2402.09353',
  base: 'dense',
  complete: (input, dit) => completeLora('dora', input, dit),
  layerSettings: rankAndAlpha,
  size: { field: 'rank', values: ranks },
  trained: (size, { rank }) => ({ ...factorShapes(size, rank), magnitude: [size.out] }),
  frozen: (size) => ({ weight: [size.out, size.in] }),
  fresh: ({ weight }, { rank }, { generator, size }) => ({
    ...freshLora(generator, size, rank),
    magnitude: rowNorms(weight),
  }),
  apply: (x, frozen, segments, config) => {
    const { weight, bias } = frozen as LinearParams;
    const scaling = scalingOf(config);
    const plain = applyLinear({ weight }, x); // [N, T, out], without the bias, which has no magnitude
    const gain = perSample(segments, (leaves) =>
      leaves ? tf.mul(leaves.magnitude, inverseNormOf(weight, leaves, scaling)) : tf.ones([weight.shape[0]]),
    );
    const y = tf.mul(gain, addDelta(plain, applyLoras(x, segments, scaling)));
    return (bias ? tf.add(y, bias) : y) as tf.Tensor3D;
  },
  merge: (frozen, trained, config) => {
    const { weight, ...bias } = frozen as LinearParams;
    if (!trained) return { weight, ...bias };
    const moved = addProduct(weight, trained, scalingOf(config));
    const gain = tf.mul(trained.magnitude, inverseOrZero(rowNorms(moved)));
    return { weight: tf.mul(moved, tf.reshape(gain, [-1, 1])), ...bias };
  },
  macs: (size, { rank }) => size.in * size.out + rank * (size.in + size.out),
  formationMacs: (size, { rank }) => size.in * size.out * (rank + 1),
};

/** 1 / row norms of W + scaling B A, [out]; 0 for a zero row. */
function inverseNormOf(weight: tf.Tensor, leaves: Leaves, scaling: number): tf.Tensor {
  return constant(() => inverseOrZero(rowNorms(addProduct(weight, leaves, scaling))));
}

/** 1 / x where x is not 0, else 0. */
function inverseOrZero(x: tf.Tensor): tf.Tensor {
  return tf.where(tf.equal(x, 0), tf.zerosLike(x), tf.div(1, x));
}

/** Lengths of the rows of [m, n]. */
function rowNorms(x: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.sum(tf.square(x), 1));
}
