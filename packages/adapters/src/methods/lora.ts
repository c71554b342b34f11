import type { DitConfig, LinearShape } from '@learngene/dit';
import { applyLinear, groupedLowRank, type LinearParams, matmulNT } from '@learngene/nn';
import { type Generator, uniform } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount, checkFields, checkOneOf, checkPositive } from '../core/checks';
import type { LayerRank, LayerSettings } from '../core/layer-settings';
import type { LayerMethod } from '../core/method';
import { addDelta, type LayerSegment } from '../core/segments';
import type { Leaves } from '../core/trees';
import { largestRank, rankAndAlpha, ranks } from './rank';

/** Low-rank adaptation, W + scaling B A. */
export interface LoraConfig {
  /** Name of the method. */
  readonly method: 'lora';
  /** r: rank of the update. */
  readonly rank: number;
  /** Numerator of the scaling (default the rank: a scaling of 1; PEFT's default is 8). */
  readonly alpha: number;
  /** Scaling alpha / sqrt(rank) in place of alpha / rank (Kalajdzievski 2023, arXiv 2312.03732; default false). */
  readonly rsLora: boolean;
  /** Layers with another rank or alpha, or without an adapter (default none). */
  readonly layers?: LayerSettings<LayerRank>;
}

/** Completes and checks the fields that LoRA and its relatives share. */
export function completeLora<M extends string>(
  method: M,
  input: Partial<Omit<LoraConfig, 'method'>> & { readonly method?: string },
  dit: DitConfig,
): Omit<LoraConfig, 'method'> & { readonly method: M } {
  checkFields(method, input, ['method', 'rank', 'alpha', 'rsLora']);
  const rank = input.rank ?? Math.min(8, largestRank(dit));
  const { alpha = rank, rsLora = false } = input;
  checkCount('rank', rank, largestRank(dit));
  checkPositive('alpha', alpha);
  checkOneOf('rsLora', rsLora, [true, false]);
  return { method, rank, alpha, rsLora };
}

/** What B A is multiplied by. */
export function scalingOf({ rank, alpha, rsLora = false }: { rank: number; alpha: number; rsLora?: boolean }): number {
  return alpha / (rsLora ? Math.sqrt(rank) : rank);
}

/** a [in, r] and b [out, r]: A transposed and B. */
export function factorShapes({ in: inputs, out }: LinearShape, rank: number): { a: number[]; b: number[] } {
  return { a: [inputs, rank], b: [out, rank] };
}

/** A as PEFT draws it, U(±1 / sqrt(in)) row by row of [r, in]; B zero. */
export function freshLora(generator: Generator, { in: inputs, out }: LinearShape, rank: number): Leaves {
  const bound = 1 / Math.sqrt(inputs);
  const rows = tf.tensor2d(uniform(generator, rank * inputs, { low: -bound, high: bound }), [rank, inputs]);
  return { a: tf.transpose(rows), b: tf.zeros([out, rank]) };
}

/** scale (x a) bᵀ of each segment's a and b, `base`'s where a segment has none; undefined for nothing at all. */
export function applyLoras(
  x: tf.Tensor3D,
  segments: readonly LayerSegment[],
  scale: number,
  base?: Leaves,
): tf.Tensor3D | undefined {
  const own = segments.flatMap(({ start, end, leaves = base }) => {
    if (!leaves) return [];
    const { a, b } = leaves as Record<'a' | 'b', tf.Tensor2D>;
    return [{ start, end, factors: { u: b, s: tf.fill<tf.Rank.R1>([a.shape[1]], scale), v: a } }];
  });
  return own.length === 0 ? undefined : groupedLowRank(x, { segments: own });
}

/** weight + scale b aᵀ. */
export function addProduct(weight: tf.Tensor, { a, b }: Leaves, scale: number): tf.Tensor2D {
  return tf.add(weight, tf.mul(scale, matmulNT(b, a)));
}

/**
 * LoRA: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", arXiv 2106.09685. Trained: a [in, r] and
 * b [out, r], PEFT's lora_A transposed and lora_B; y = x Wᵀ + scaling (x a) bᵀ + bias.
 */
export const lora: LayerMethod<LoraConfig> = {
  kind: 'layer',
  paper: 'Hu et al. 2021, LoRA, arXiv 2106.09685; rsLoRA: Kalajdzievski 2023, arXiv 2312.03732',
  base: 'dense',
  complete: (input, dit) => completeLora('lora', input, dit),
  layerSettings: rankAndAlpha,
  size: { field: 'rank', values: ranks },
  trained: (size, { rank }) => factorShapes(size, rank),
  frozen: (size) => ({ weight: [size.out, size.in] }),
  fresh: (_, { rank }, { generator, size }) => freshLora(generator, size, rank),
  apply: (x, frozen, segments, config) => {
    const delta = applyLoras(x, segments, scalingOf(config));
    return addDelta(applyLinear(frozen as LinearParams, x), delta);
  },
  merge: (frozen, trained, config) => {
    const { weight, ...bias } = frozen as LinearParams;
    return { weight: trained ? addProduct(weight, trained, scalingOf(config)) : weight, ...bias };
  },
  macs: (size, { rank }) => size.in * size.out + rank * (size.in + size.out),
};
