import { gelu, matmulNN, matmulNT, type ParamTree } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import type { GatedBatch } from '../src/apply-gated';
import { kindConfig, type NetworkKindConfigInput } from '../src/config';
import type { NetworkKindConfig } from '../src/config-types';
import { initKind } from '../src/init';
import type { KindNetwork } from '../src/network';
import type { NetworkParams } from '../src/params';
import { jitter } from './tiny';

/** A classifier of [N, 3, 4]: embed, two factored layers, mean over tokens; a head of one row a class. */
export const MIXER: KindNetwork = {
  name: 'mixer',
  classes: 5,
  layers: [
    { name: 'mix.in', in: 6, out: 8, tokens: 3 },
    { name: 'mix.out', in: 8, out: 6, tokens: 3 },
  ],
  shared: { 'embed.weight': [4, 6], 'embed.none': [1, 6] },
  rows: { 'head.weight': [6], 'head.bias': [] },
  denseMacs: 3 * 24 + 6,
};

/** Three groups of the five classes. */
export const MIXER_GROUPS = [
  { name: 'a', classes: [3, 0] },
  { name: 'b', classes: [1] },
  { name: 'c', classes: [4, 2] },
];

export function mixerConfig(overrides: Partial<NetworkKindConfigInput> = {}): NetworkKindConfig {
  return kindConfig({ network: MIXER, learngeneRank: 3, tailorRank: 2, groups: MIXER_GROUPS, ...overrides });
}

/** The dense parts as they start. */
export function mixerShared(seed = 3): ParamTree {
  const g = createGenerator(seed);
  const leaf = (...shape: [number, number]) => tf.tensor2d(normal(g, shape[0] * shape[1]), shape);
  return { embed: { weight: leaf(4, 6), none: leaf(1, 6) } };
}

/** Parameters without zeros, so that everything has an effect. */
export function noisyMixer(config: NetworkKindConfig, seed = 1): NetworkParams {
  const g = createGenerator(seed);
  return tf.tidy(() => jitter(g, initKind(g, config, { shared: mixerShared() }) as ParamTree, 0.2)) as NetworkParams;
}

/** [N, 3, 4] inputs. */
export function mixerInputs(N: number, seed = 5): tf.Tensor3D {
  return tf.tensor3d(normal(createGenerator(seed), N * 12), [N, 3, 4]);
}

/** Features [N, 6] in planned order; the layers are applied by `linear`. */
export function mixer(
  shared: ParamTree,
  x: tf.Tensor3D,
  linear: (x: tf.Tensor3D, name: string) => tf.Tensor3D,
): tf.Tensor2D {
  const [N, T, width] = x.shape;
  const { weight } = shared.embed as { weight: tf.Tensor2D };
  const embedded = tf.reshape(matmulNN(tf.reshape(x, [N * T, width]), weight), [N, T, 6]) as tf.Tensor3D; // [N, T, 6]
  const hidden = gelu(linear(embedded, 'mix.in')); // [N, T, 8]
  return tf.mean(linear(hidden, 'mix.out'), 1); // [N, 6]
}

/** Logits of each sample among the classes of its group, group by group: the sum over samples of -log p(class). */
export function mixerLoss(
  x: tf.Tensor3D,
  { shared, linear, plan, tailors, reorder }: GatedBatch,
  rowOf: Map<number, number>,
) {
  const features = mixer(shared, reorder(x), linear);
  const losses = plan.segments.flatMap(({ start, end, group }) => {
    if (group === null) return [];
    const { weight, bias } = tailors(group).head as { weight: tf.Tensor2D; bias: tf.Tensor1D };
    const own = tf.slice(features, [start, 0], [end - start, -1]);
    const logits = tf.add(matmulNT(own, weight), bias); // [n, classes of the group]
    const right = tf.tensor2d(
      Array.from(plan.classes.subarray(start, end), (id) =>
        [...Array(weight.shape[0]).keys()].map((row) => Number(row === rowOf.get(id))),
      ),
    ); // [n, classes of the group]
    return [tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), right)))];
  });
  return losses.length === 0 ? tf.scalar(0) : (tf.addN(losses) as tf.Scalar);
}
