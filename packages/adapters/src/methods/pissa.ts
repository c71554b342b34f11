import { applyLinear, type LinearParams } from '@learngene/nn';
import { createGenerator, stream } from '@learngene/random';
import { matrixFromTensor, randomizedSvd, svd, tensorFromMatrix } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount, checkFields, checkPositive } from '../core/checks';
import type { LayerRank, LayerSettings } from '../core/layer-settings';
import type { LayerMethod } from '../core/method';
import { addDelta } from '../core/segments';
import { addProduct, applyLoras, factorShapes, scalingOf } from './lora';
import { largestRank, rankAndAlpha, ranks } from './rank';

/**
 * Settings of PiSSA: LoRA that starts at the principal singular components, which are taken out of the frozen weight.
 */
export interface PissaConfig {
  /** Name of the method. */
  readonly method: 'pissa';
  /** r: number of principal components. */
  readonly rank: number;
  /** Numerator of the scaling alpha / rank (default the rank). */
  readonly alpha: number;
  /** 'exact' SVD (default), or a randomised one (Halko et al. 2011), much faster for small ranks of wide layers. */
  readonly init:
    | 'exact'
    | {
        /** Power iterations, PEFT's niter; 4 is enough. */
        readonly iterations: number;
        /** Seed of the random projections: the same seed gives the same frozen residual. */
        readonly seed: number;
      };
  /** Layers with another rank or alpha, or without an adapter (default none). */
  readonly layers?: LayerSettings<LayerRank>;
}

/**
 * PiSSA: Meng et al. 2024, "PiSSA: Principal Singular Values and Singular Vectors Adaptation", arXiv 2404.02948.
 * Trained: a [in, r] and b [out, r], starting at V_r sqrt(S_r / scaling) and U_r sqrt(S_r / scaling) of the SVD of W.
 * The frozen weight is the residual W - scaling b aᵀ. Samples of the base model use the initial a and b, so they see W.
 */
export const pissa: LayerMethod<PissaConfig> = {
  kind: 'layer',
  paper: 'Meng et al. 2024, PiSSA, arXiv 2404.02948',
  base: 'dense',
  complete: (input, dit) => {
    checkFields('pissa', input, ['method', 'rank', 'alpha', 'init']);
    const rank = input.rank ?? Math.min(8, largestRank(dit));
    const { alpha = rank, init = 'exact' } = input;
    checkCount('rank', rank, largestRank(dit));
    checkPositive('alpha', alpha);
    return { method: 'pissa', rank, alpha, init: checkInit(init) };
  },
  layerSettings: rankAndAlpha,
  size: { field: 'rank', values: ranks },
  trained: (size, { rank }) => factorShapes(size, rank),
  frozen: (size, { rank }) => ({ weight: [size.out, size.in], ...factorShapes(size, rank) }),
  freeze: ({ weight, ...bias }, config, { name }) => {
    const { rank, init } = config;
    const scaling = scalingOf(config);
    const matrix = matrixFromTensor(weight as tf.Tensor2D);
    const { u, s, v } =
      init === 'exact'
        ? svd(matrix)
        : randomizedSvd(matrix, {
            rank,
            powerIterations: init.iterations,
            generator: stream(createGenerator(init.seed), name),
          });
    const roots = tf.tensor1d(Float32Array.from(s.subarray(0, rank), (value) => Math.sqrt(value / scaling)));
    const leading = (columns: tf.Tensor2D): tf.Tensor => tf.mul(tf.slice(columns, [0, 0], [-1, rank]), roots);
    const start = { a: leading(tensorFromMatrix(v)), b: leading(tensorFromMatrix(u)) };
    return { weight: addProduct(weight, start, -scaling), ...start, ...bias };
  },
  fresh: ({ a, b }) => ({ a, b }),
  apply: (x, frozen, segments, config) => {
    const { weight, bias, ...start } = frozen;
    const delta = applyLoras(x, segments, scalingOf(config), start);
    return addDelta(applyLinear({ weight, bias } as LinearParams, x), delta);
  },
  merge: ({ weight, bias, ...start }, trained, config) => ({
    weight: addProduct(weight, trained ?? start, scalingOf(config)),
    ...(bias && { bias: bias as tf.Tensor1D }),
  }),
  macs: (size, { rank }) => size.in * size.out + rank * (size.in + size.out),
};

function checkInit(init: PissaConfig['init']): PissaConfig['init'] {
  if (init === 'exact') return init;
  if (typeof init !== 'object' || init === null) {
    throw new Error(`init: expected 'exact' or { iterations, seed }, got ${JSON.stringify(init)}`);
  }
  checkFields('init', init, ['iterations', 'seed']);
  const { iterations, seed } = init;
  checkCount('init.iterations', iterations, 100);
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new Error(`init.seed: expected an integer of at least 0, got ${String(seed)}`);
  }
  return { iterations, seed };
}
