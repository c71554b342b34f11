import { type DitConfig, mlpWidth } from '@learngene/dit';
import { applyLinear, type LinearParams, matmulNN } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import { cayley, skewMatrices } from '../cayley';
import { checkCount, checkFields } from '../checks';
import type { LayerMethod } from '../method';
import { mapSegments } from '../segments';

/** Inputs are rotated block by block before a frozen weight. */
export type OftConfig = {
  /** Name of the method. */
  readonly method: 'oft';
  /** Side of a block; must divide the input width of every main layer. */
  readonly blockSize: number;
  /** 'exact' Cayley transform, or the Neumann series cut to that many terms (default 5, as in PEFT). */
  readonly cayley: 'exact' | number;
};

/**
 * OFT: Qiu et al. 2023, "Controlling Text-to-Image Diffusion by Orthogonal Finetuning", arXiv 2306.07280, in PEFT's
 * form: y = (x R) Wᵀ + bias, R block-diagonal. Trained: the entries above the diagonal of a skew-symmetric matrix Q a
 * block, PEFT's oft_R [in / b, b (b - 1) / 2], zero at first; R = (I - Q)(I + Q)⁻¹, or with the Neumann series (Qiu et
 * al. 2025, OFTv2, arXiv 2506.19847) about (I + Q)(I - Q)⁻¹ = I + 2Q + 2Q² + ...: PEFT's two forms turn opposite ways.
 */
export const oft: LayerMethod<OftConfig> = {
  kind: 'layer',
  paper: 'Qiu et al. 2023, OFT, arXiv 2306.07280; Cayley-Neumann: Qiu et al. 2025, arXiv 2506.19847',
  base: 'dense',
  complete: (input, dit) => {
    checkFields('oft', input, ['method', 'blockSize', 'cayley']);
    const allowed = blockSizes(dit);
    const blockSize = input.blockSize ?? allowed.findLast((size) => size <= 32) ?? allowed[0];
    const { cayley: form = 5 } = input;
    if (!allowed.includes(blockSize)) {
      throw new Error(`blockSize: expected one of ${allowed.join(', ')}, divisors of all widths, got ${blockSize}`);
    }
    if (form !== 'exact') checkCount('cayley', form, 64);
    if (form === 1) throw new Error("cayley: expected 'exact' or at least 2 terms, got 1, which rotates nothing");
    return { method: 'oft', blockSize, cayley: form };
  },
  size: { field: 'blockSize', values: blockSizes },
  trained: ({ in: inputs }, { blockSize: b }) => ({ skew: [inputs / b, (b * (b - 1)) / 2] }),
  frozen: (size) => ({ weight: [size.out, size.in] }),
  fresh: (_, { blockSize: b }, { size }) => ({ skew: tf.zeros([size.in / b, (b * (b - 1)) / 2]) }),
  apply: (x, frozen, segments, config) => {
    const turned = mapSegments(x, segments, (rows, { leaves }) => (leaves ? rotate(rows, leaves.skew, config) : rows));
    return applyLinear(frozen as LinearParams, turned!) as tf.Tensor3D;
  },
  merge: (frozen, trained, config) => {
    const { weight, ...bias } = frozen as LinearParams;
    return { weight: trained ? (rotate(weight, trained.skew, config, true) as tf.Tensor2D) : weight, ...bias };
  },
  macs: (size, { blockSize }) => size.in * size.out + size.in * blockSize,
  formationMacs: (size, { blockSize, cayley: form }) => {
    const products = form === 'exact' ? 1 : Math.max(0, Math.max(3, form - 1) - 1);
    return size.in * blockSize ** 2 * (form === 2 ? 0 : products);
  },
};

/** Sizes of a block, at least 2, that divide every input width. */
function blockSizes(dit: DitConfig): number[] {
  const widths = [dit.hiddenSize, mlpWidth(dit)];
  const sizes = Array.from({ length: dit.hiddenSize - 1 }, (_, i) => i + 2);
  return sizes.filter((size) => widths.every((width) => width % size === 0));
}

/** x [..., in] with every block of its last axis multiplied by that block's R, or Rᵀ. */
function rotate(x: tf.Tensor, skew: tf.Tensor, { blockSize: b, cayley: form }: OftConfig, back = false): tf.Tensor {
  const blocks = skew.shape[0];
  const R = cayley(skewMatrices(skew as tf.Tensor2D, b), form); // [blocks, b, b]
  const rows = tf.transpose(tf.reshape(x, [-1, blocks, b]), [1, 0, 2]); // [blocks, rows, b]
  const turned = matmulNN(rows, back ? tf.transpose(R, [0, 2, 1]) : R);
  return tf.reshape(tf.transpose(turned, [1, 0, 2]), x.shape);
}
