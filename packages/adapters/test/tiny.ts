import { type DitConfig, type DitParams, ditConfig, initDit } from '@learngene/dit';
import { flattenParams, groupPerClass, mapParams, type ParamTree } from '@learngene/nn';
import { createGenerator, type Generator, normal } from '@learngene/random';
import { denoiserInputs, TINY_DIT } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { type AttachOptions, attachAdapters } from '../src/attach';
import { initLowRankDit } from '../src/low-rank-dit';
import type { AdapterConfigInput } from '../src/methods';
import type { AdaptedModel } from '../src/model';

/** 4 tokens of width 16, MLP 32, two blocks, five classes. */
export const DIT: DitConfig = ditConfig(TINY_DIT);

/** Every method with small sizes. */
export const METHODS: readonly AdapterConfigInput[] = [
  { method: 'full' },
  { method: 'low-rank', keep: 6, rank: 3 },
  { method: 'svd-cut', keep: 6, rank: 3 },
  { method: 'lora', rank: 3, alpha: 6 },
  { method: 'lora', rank: 4, alpha: 4, rsLora: true },
  { method: 'dora', rank: 3, alpha: 6 },
  { method: 'pissa', rank: 3 },
  { method: 'pissa', rank: 3, alpha: 6, init: { iterations: 4, seed: 7 } },
  { method: 'svdiff' },
  { method: 'oft', blockSize: 4 },
  { method: 'oft', blockSize: 8, cayley: 'exact' },
  { method: 'loha', rank: 3, alpha: 6 },
  { method: 'bitfit' },
  { method: 'bitfit', biases: 'main' },
  { method: 'heur-lg', blocks: [1] },
  { method: 'auto-lg', blocks: [0], frame: 'inherit', train: 'rest' },
  { method: 'fine', rank: 5, sweeps: 2 },
];

/** A readable name of a test's method. */
export function titleOf(input: AdapterConfigInput): string {
  return JSON.stringify(input).replaceAll('"', '');
}

export function jitter<T extends ParamTree>(g: Generator, tree: T, std: number): T {
  return mapParams((leaf) => tf.add(leaf, tf.tensor(normal(g, leaf.size, { std }), leaf.shape)), tree);
}

/** A dense DiT in which nothing is zero. */
export function denseBase(seed = 1, dit = DIT): DitParams {
  const g = createGenerator(seed);
  return tf.tidy(() => jitter(g, initDit(g, dit) as DitParams & ParamTree, 0.1));
}

/** The base that a method wants; the caller owns it. */
export function baseFor({ method }: AdapterConfigInput, seed = 1) {
  if (method !== 'low-rank') return denseBase(seed);
  const g = createGenerator(seed);
  return tf.tidy(() => jitter(g, initLowRankDit(g, DIT, { rank: 8 }), 0.1));
}

/** An adapted model, one adapter a class unless told otherwise; `noise` moves every trained tensor. */
export function tinyModel(
  adapter: AdapterConfigInput,
  { noise = 0, ...options }: Partial<AttachOptions> & { noise?: number } = {},
): AdaptedModel {
  const generator = createGenerator(3);
  return tf.tidy(() => {
    const groups = groupPerClass(3);
    const made = attachAdapters(baseFor(adapter), { dit: DIT, adapter, groups, generator, ...options });
    const adapters = noise === 0 ? made.adapters : jitter(generator, made.adapters as ParamTree, noise);
    return { frozen: made.frozen, adapters, config: made.config as never };
  }) as unknown as AdaptedModel;
}

/** Inputs for the labels; the caller owns x and t. */
export function inputsFor(labels: readonly number[], { seed = 5, dit = DIT } = {}) {
  return denoiserInputs(labels, dit, (size) => normal(createGenerator(seed), size));
}

/** Bits of every leaf by name. */
export function bits(tree: ParamTree): Record<string, string> {
  const hex = (leaf: tf.Tensor) =>
    Buffer.from(new Uint8Array(Float32Array.from(leaf.dataSync()).buffer)).toString('hex');
  return Object.fromEntries([...flattenParams(tree)].map(([name, leaf]) => [name, `${leaf.shape}:${hex(leaf)}`]));
}
