import { type DitConfig, mlpWidth } from '@learngene/dit';
import { applyLinear, type LinearParams, matmulNN } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount, checkFields } from '../core/checks';
import type { LayerBlockSize, LayerSettings } from '../core/layer-settings';
import type { LayerMethod } from '../core/method';
import { type LayerSegment, mapSegments } from '../core/segments';
import { cayley, skewMatrices } from './cayley';

/** Inputs are rotated block by block before a frozen weight. */
export interface OftConfig {
  /** Name of the method. */
  readonly method: 'oft';
  /** Side of a block; must divide the input width of every main layer. */
  readonly blockSize: number;
  /** 'exact' Cayley transform, or the Neumann series cut to that many terms (default 5, as in PEFT). */
  readonly cayley: 'exact' | number;
  /** Layers with another block size, or without an adapter (default none). */
  readonly layers?: LayerSettings<LayerBlockSize>;
}

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
  layerSettings: {
    fields: ['blockSize'],
    check: ({ blockSize }, { in: inputs }) => {
      checkCount('blockSize', blockSize, inputs);
      if (blockSize < 2 || inputs % blockSize !== 0) {
        throw new Error(`blockSize: expected a divisor of ${inputs}, at least 2, got ${blockSize}`);
      }
    },
  },
  size: { field: 'blockSize', values: blockSizes },
  trained: ({ in: inputs }, { blockSize: b }) => ({ skew: [inputs / b, (b * (b - 1)) / 2] }),
  frozen: (size) => ({ weight: [size.out, size.in] }),
  fresh: (_, { blockSize: b }, { size }) => ({ skew: tf.zeros([size.in / b, (b * (b - 1)) / 2]) }),
  apply: (x, frozen, segments, config) => {
    const rotations = rotationsOf(segments, config);
    const turned = mapSegments(x, segments, (rows, segment) => {
      const R = rotations.get(segment);
      return R ? rotate(rows, R) : rows;
    });
    return applyLinear(frozen as LinearParams, turned!) as tf.Tensor3D;
  },
  merge: (frozen, trained, config) => {
    const { weight, ...bias } = frozen as LinearParams;
    if (!trained) return { weight, ...bias };
    const R = rotationOf(trained.skew, config);
    return { weight: rotate(weight, tf.transpose(R, [0, 2, 1])) as tf.Tensor2D, ...bias };
  },
  macs: (size, { blockSize }) => size.in * size.out + size.in * blockSize,
  formationMacs: (size, { blockSize, cayley: form }) => {
    const products = form === 'exact' ? 1 : Math.max(0, Math.max(3, form - 1) - 1);
    return size.in * blockSize ** 2 * (form === 2 ? 0 : products);
  },
};

/** Sizes of a block, at least 2, that divide every input width. */
export function blockSizes(dit: DitConfig): number[] {
  const widths = [dit.hiddenSize, mlpWidth(dit)];
  const sizes = Array.from({ length: dit.hiddenSize - 1 }, (_, i) => i + 2);
  return sizes.filter((size) => widths.every((width) => width % size === 0));
}

/** Rotations of every segment that has some, [blocks, b, b], formed all at once. */
function rotationsOf(segments: readonly LayerSegment[], config: OftConfig): Map<LayerSegment, tf.Tensor3D> {
  const own = segments.filter(({ leaves }) => leaves);
  if (own.length === 0) return new Map();
  const skews = own.map(({ leaves }) => leaves!.skew as tf.Tensor2D);
  const all = rotationOf(skews.length === 1 ? skews[0] : tf.concat(skews, 0), config);
  const parts = skews.length === 1 ? [all] : tf.split(all, skews.length, 0);
  return new Map(own.map((segment, i) => [segment, parts[i] as tf.Tensor3D]));
}

function rotationOf(skew: tf.Tensor, { blockSize, cayley: form }: OftConfig): tf.Tensor3D {
  return cayley(skewMatrices(skew as tf.Tensor2D, blockSize), form);
}

/** x [..., in] with every block of its last axis multiplied by that block's R. */
function rotate(x: tf.Tensor, R: tf.Tensor3D): tf.Tensor {
  const [blocks, b] = R.shape;
  const rows = tf.transpose(tf.reshape(x, [-1, blocks, b]), [1, 0, 2]); // [blocks, rows, b]
  return tf.reshape(tf.transpose(matmulNN(rows, R), [1, 0, 2]), x.shape);
}
