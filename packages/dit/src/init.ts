import type { LinearParams } from '@learngene/nn';
import { type Generator, normal, uniform } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { type DitConfig, validateDitConfig } from './config';
import type { DitBlockParams, DitParams } from './params';
import { mlpWidth, outChannels, TIMESTEP_DIMS } from './sizes';

/**
 * Fresh parameters, f32, owned by the caller: the initialisation of Peebles & Xie 2023 as in facebookresearch/DiT.
 *
 * Linear layers and the flattened patch convolution are Xavier uniform, where q, k and v count as one [3D, D] matrix,
 * as they are there. The timestep MLP and the label table are N(0, 0.02²), and every bias is 0. adaLN layers and the
 * output projection are 0, so each block starts as the identity and the output of the model is exactly 0 (adaLN-Zero).
 * The draws from `g` come in the order of the parameters' names.
 *
 * @throws on an invalid config
 */
export function initDit(g: Generator, config: DitConfig): DitParams {
  validateDitConfig(config);
  const { hiddenSize: D, patchSize, inChannels, classes, depth } = config;
  return {
    patch: xavier(g, D, inChannels * patchSize ** 2),
    time: { in: gaussian(g, D, TIMESTEP_DIMS), out: gaussian(g, D, D) },
    label: { table: tf.tensor2d(normal(g, (classes + 1) * D, { std: 0.02 }), [classes + 1, D]) },
    blocks: Object.fromEntries(Array.from({ length: depth }, (_, block) => [block, initBlock(g, config)])),
    final: { adaln: zeros(2 * D, D), linear: zeros(patchSize ** 2 * outChannels(config), D) },
  };
}

function initBlock(g: Generator, config: DitConfig): DitBlockParams {
  const { hiddenSize: D } = config;
  const M = mlpWidth(config);
  return {
    adaln: zeros(6 * D, D),
    attn: { q: xavier(g, D, D, 3 * D), k: xavier(g, D, D, 3 * D), v: xavier(g, D, D, 3 * D), o: xavier(g, D, D) },
    mlp: { in: xavier(g, M, D), out: xavier(g, D, M) },
  };
}

/** Uniform in ±sqrt(6 / (fanIn + fanOut)), Glorot & Bengio 2010, eq. 16; `fanOut` differs from `rows` for parts. */
function xavier(g: Generator, rows: number, columns: number, fanOut = rows): LinearParams {
  const bound = Math.sqrt(6 / (columns + fanOut));
  return linear(uniform(g, rows * columns, { low: -bound, high: bound }), rows, columns);
}

function gaussian(g: Generator, rows: number, columns: number): LinearParams {
  return linear(normal(g, rows * columns, { std: 0.02 }), rows, columns);
}

function zeros(rows: number, columns: number): LinearParams {
  return linear(new Float32Array(rows * columns), rows, columns);
}

function linear(values: Float32Array, rows: number, columns: number): LinearParams {
  return { weight: tf.tensor2d(values, [rows, columns]), bias: tf.tensor1d(new Float32Array(rows)) };
}
