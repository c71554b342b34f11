// A two-stage MLP-mixer (Tolstikhin et al. 2021) over overlapping windows: matrix products only, no convolution. The
// features come from all tokens and not from their average: so it learns in few steps where things are. Axes: N images,
// T tokens, P pixel values of a token, D channels before the merge, E after it, F features, K classes.
import { applyLinear, gelu, initLinear, type LinearParams, layerNorm } from '@learngene/nn';
import type { Generator } from '@learngene/random';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type ClassifierConfig, classifierSizes } from './config';

/** Two linear layers with a GELU between. */
export type MlpParams = Readonly<{
  /** [hidden, size]. */
  in: LinearParams;
  /** [size, hidden]. */
  out: LinearParams;
}>;

/** A mixer block. */
export type MixerParams = Readonly<{
  /** Mixes the tokens of each channel. */
  token: MlpParams;
  /** Mixes the channels of each token. */
  channel: MlpParams;
}>;

/** Parameters of the classifier. */
export type ClassifierParams = Readonly<{
  /** Window to token, [D, P]. */
  embed: LinearParams;
  /** Blocks '0', '1', ... on the full grid. */
  early: Readonly<Record<string, MixerParams>>;
  /** Four tokens to one, [E, 4 D]. */
  merge: LinearParams;
  /** Blocks on the merged grid. */
  late: Readonly<Record<string, MixerParams>>;
  /** All merged tokens to features, [F, T / 4 * E]. */
  features: LinearParams;
  /** Features to logits, [K, F]. */
  logits: LinearParams;
}>;

/** Makes the parameters of a new classifier. `g` moves on; the caller owns the tensors. */
export function initClassifier(g: Generator, config: ClassifierConfig): ClassifierParams {
  const { hidden, depth, features, classes } = config;
  const { tokens, patch } = classifierSizes(config);
  const linear = (from: number, to: number) => initLinear(g, { in: from, out: to, init: 'xavier-uniform' });
  const mlp = (size: number, inner: number): MlpParams => ({ in: linear(size, inner), out: linear(inner, size) });
  const blocks = (count: number, T: number, D: number): Record<string, MixerParams> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}`, { token: mlp(T, T), channel: mlp(D, 2 * D) }]));
  return {
    embed: linear(patch, hidden[0]),
    early: blocks(depth[0], tokens, hidden[0]),
    merge: linear(4 * hidden[0], hidden[1]),
    late: blocks(depth[1], tokens / 4, hidden[1]),
    features: linear((tokens / 4) * hidden[1], features),
    logits: linear(features, classes),
  };
}

/** What {@link applyClassifier} computes; the caller owns the tensors. */
export interface ClassifierOutputs {
  /** [N, K]. */
  readonly logits: Tensor2D;
  /** [N, F] penultimate activations. */
  readonly features: Tensor2D;
  /** [N, T, spatialChannels] of the map before the merge. */
  readonly spatial: Tensor3D;
}

/** Applies the classifier to windows [N, T, P]. Differentiable; without a tidy. */
export function applyClassifier(
  params: ClassifierParams,
  windows: Tensor3D,
  config: ClassifierConfig,
): ClassifierOutputs {
  const [N, T] = windows.shape;
  let x = gelu(applyLinear(params.embed, windows)) as Tensor3D; // [N, T, D]
  for (const block of Object.values(params.early)) x = mixer(block, x); // [N, T, D]
  const spatial = tf.slice(x, [0, 0, 0], [N, T, config.spatialChannels]); // [N, T, spatialChannels]
  x = applyLinear(params.merge, layerNorm(tf.reshape(x, [N, T / 4, -1]))) as Tensor3D; // [N, T / 4, E]
  for (const block of Object.values(params.late)) x = mixer(block, x); // [N, T / 4, E]
  const flat = tf.reshape(layerNorm(x), [N, -1]); // [N, T / 4 * E]
  const features = gelu(applyLinear(params.features, flat)) as Tensor2D; // [N, F]
  return { logits: applyLinear(params.logits, features) as Tensor2D, features, spatial };
}

function mixer({ token, channel }: MixerParams, x: Tensor3D): Tensor3D {
  const across = tf.transpose(layerNorm(x), [0, 2, 1]); // [N, D, T]
  const mixed = tf.add(x, tf.transpose(mlp(token, across), [0, 2, 1])) as Tensor3D; // [N, T, D]
  return tf.add(mixed, mlp(channel, layerNorm(mixed))); // [N, T, D]
}

function mlp(params: MlpParams, x: Tensor3D): Tensor3D {
  return applyLinear(params.out, gelu(applyLinear(params.in, x))) as Tensor3D;
}
