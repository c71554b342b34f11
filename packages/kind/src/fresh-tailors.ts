import { type ParamTree, unflattenParams } from '@learngene/nn';
import { type Generator, normal } from '@learngene/random';
import { initFactored } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { type KindConfig, networkOf, tailorRankOf } from './config-types';
import type { DescribedNetwork } from './count';
import { checkOptionNames } from './option-names';
import { layerTree, type TailorParams } from './params';
import type { TailorGroup } from './tailor-groups';

/** Standard deviation of new rows of classes, DiT's of label embeddings. */
const ROW_STD = 0.02;

/** Options of {@link freshTailors}. */
export interface FreshTailorsOptions {
  /**
   * [1, D], copied into every class embedding of the group (default: random rows). With the null row every class starts
   * class-agnostic.
   */
  readonly labelRow?: tf.Tensor2D;
}

/**
 * Makes untrained tailors for a group: in every factored layer u is 0, s is 1 and v is random orthonormal. They add
 * exactly nothing, so every class starts as the model of the learngenes, and u has a gradient from the first step.
 * (With s = 0 and random u and v, only s would have one.) Rows of classes are drawn from N(0, 0.02²).
 *
 * @param g - the generator. It draws v of every layer in the order of the network, then the rows of classes.
 * @param config - only the network and `tailorRank` are read.
 * @returns f32 parameters that the caller owns.
 * @throws when tailorRank is above a layer's input width
 */
export function freshTailors(
  g: Generator,
  config: Pick<KindConfig, 'dit' | 'tailorRank'>,
  group: TailorGroup,
  options?: FreshTailorsOptions,
): TailorParams;
export function freshTailors(
  g: Generator,
  config: DescribedNetwork & Pick<KindConfig, 'tailorRank'>,
  group: TailorGroup,
  options?: FreshTailorsOptions,
): ParamTree;
export function freshTailors(
  g: Generator,
  config: DescribedNetwork & Pick<KindConfig, 'tailorRank'>,
  group: TailorGroup,
  options: FreshTailorsOptions = {},
): ParamTree {
  checkOptionNames('freshTailors', options, ['labelRow']);
  const { layers, embedding } = networkOf(config);
  const { labelRow } = options;
  if (labelRow && !embedding)
    throw new Error('labelRow: expected none for a network without class embeddings, got one');
  const factors = layerTree(layers, (layer) =>
    initFactored(g, {
      in: layer.in,
      out: layer.out,
      rank: tailorRankOf(config, group),
      init: 'zero-output',
      bias: false,
    }),
  );
  return { ...factors, ...classRows(g, config, group.classes.length, labelRow) };
}

/** The tables of `count` classes, N(0, 0.02²); class embeddings are copies of `embedding` where it is given. */
export function classRows(g: Generator, config: DescribedNetwork, count: number, embedding?: tf.Tensor2D): ParamTree {
  const network = networkOf(config);
  const tables = Object.entries(network.rows).map(([name, shape]): [string, tf.Tensor] => {
    if (embedding && name === network.embedding?.rows) return [name, tf.tile(embedding, [count, 1])];
    const sizes = [count, ...shape];
    return [name, tf.tensor(normal(g, tf.util.sizeFromShape(sizes), { std: ROW_STD }), sizes)];
  });
  return unflattenParams(new Map(tables));
}

/** [count, D] label embeddings N(0, 0.02²). */
export function labelRows(g: Generator, count: number, D: number): tf.Tensor2D {
  return tf.tensor2d(normal(g, count * D, { std: ROW_STD }), [count, D]);
}
