import { type DitConfig, ditConfig } from '@learngene/dit';
import { flattenParams, mapParams, type ParamTree } from '@learngene/nn';
import { createGenerator, type Generator, normal } from '@learngene/random';
import { denoiserInputs, expectClose, relativeError, TINY_DIT } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { type KindConfigInput, kindConfig } from '../src/config';
import type { KindConfig } from '../src/config-types';
import { initKind } from '../src/init';
import type { KindParams } from '../src/params';

/** Four groups over five classes, out of order; 4 tokens of width 16, two blocks. */
export const DIT: DitConfig = ditConfig(TINY_DIT);

export const GROUPS = [
  { name: 'pets', classes: [3, 0] },
  { name: 'cars 1.5', classes: [1] },
  { name: 'trees', classes: [4] },
  { name: 'x', classes: [2] },
];

export function tinyConfig(overrides: Partial<KindConfigInput> = {}): KindConfig {
  return kindConfig({ dit: DIT, learngeneRank: 4, tailorRank: 2, groups: GROUPS, ...overrides });
}

/**
 * Every leaf N(0, 0.2²) on top of the initial value, so that nothing is zero and everything has a gradient. With 0.3² a
 * change of 1e-7 in the parameters moves gradients of queries and keys by 5e-5: too much to compare roundings with.
 */
export function noisyKind(config: KindConfig, seed = 1): KindParams {
  const g = createGenerator(seed);
  return tf.tidy(() => jitter(g, initKind(g, config), 0.2));
}

export function jitter<T extends ParamTree>(g: Generator, tree: T, std: number): T {
  return mapParams((leaf) => tf.add(leaf, tf.tensor(normal(g, leaf.size, { std }), leaf.shape)), tree);
}

/** Inputs for the labels; the caller owns x and t. */
export function inputsFor(labels: readonly number[], { seed = 5, dit = DIT } = {}) {
  return denoiserInputs(labels, dit, (size) => normal(createGenerator(seed), size));
}

/** Values of every leaf by piece and name. */
export function valuesOf(tree: ParamTree): Record<string, Float32Array> {
  return Object.fromEntries([...flattenParams(tree)].map(([name, leaf]) => [name, Float32Array.from(leaf.dataSync())]));
}

/**
 * Relative error at most 2e-5. A key bias shifts all logits of a query alike, which softmax does not see: its gradient is
 * zero but for rounding on either side.
 */
export function expectSameGradient(name: string, actual: tf.Tensor, expected: tf.Tensor): void {
  const error = relativeError(actual, expected);
  if (name.endsWith('attn.k.bias')) expectClose(actual, expected, { rtol: 0, atol: 1e-4 });
  else if (!(error <= 2e-5)) throw new Error(`gradient of ${name}: relative error ${error}`);
}
