import * as tf from '@tensorflow/tfjs-core';
import { checkCount, checkNumber, checkOptions } from './core/check';
import { adamW } from './ops/adamw';
import { leavesLike, mapParams, type ParamTree, paramLeaves, replaceLeaves } from './tree';

/** State of AdamW: the number of steps done and two trees of the parameters' shape. */
export type AdamWState<P extends ParamTree = ParamTree> = Readonly<{
  /** Steps done; 0 at the start. */
  step: number;
  /** Running mean of the gradients. */
  m: P;
  /** Running mean of the squared gradients. */
  v: P;
}>;

/** Hyper-parameters of {@link adamWStep}. */
export interface AdamWOptions {
  /** Learning rate of this step, at least 0. */
  readonly learningRate: number;
  /** Decay of the two running means, in [0, 1) (default [0.9, 0.999]). */
  readonly betas?: readonly [number, number];
  /** Added to the root of the corrected second moment, at least 0 (default 1e-8). */
  readonly eps?: number;
  /** Decoupled weight decay, at least 0 (default 0.01, as torch; DiT and KIND train with 0). */
  readonly weightDecay?: number;
  /**
   * Whether the backend may overwrite the values of the parameters, the state and the moving average (default false).
   * This halves the memory of the step; clones of them are safe. A tensor that was written over is itself in the result, and
   * a tree of such tensors too: dispose the rest by `disposeReplacedParams`.
   */
  readonly donate?: boolean;
}

/** What one step of AdamW reads. */
export interface AdamWInputs<P extends ParamTree> {
  /** Parameters before the step; not disposed. */
  readonly params: P;
  /** Gradients of the parameters' shape; not disposed. */
  readonly grads: P;
  /** State before the step; not disposed. */
  readonly state: AdamWState<P>;
}

/** What one step of AdamW returns. */
export type AdamWResult<P extends ParamTree> = Readonly<{
  /** Parameters after the step. */
  params: P;
  /** State after the step. */
  state: AdamWState<P>;
}>;

/** State before the first step: zeros. The caller owns it. */
export function initAdamW<P extends ParamTree>(params: P): AdamWState<P> {
  const zeros = (): P => mapParams((tensor) => tf.zerosLike(tensor), params);
  return { step: 0, m: zeros(), v: zeros() };
}

/** The names of {@link AdamWOptions}. */
export const ADAMW_OPTIONS: readonly string[] = ['learningRate', 'betas', 'eps', 'weightDecay', 'donate'];

/** Throws unless the hyper-parameters are in the ranges that torch accepts. */
export function checkAdamW({ learningRate, betas, eps, weightDecay }: Required<Omit<AdamWOptions, 'donate'>>): void {
  checkNumber('learningRate', learningRate, 0);
  if (betas?.length !== 2) throw new Error(`betas: expected two numbers, got ${String(betas)}`);
  betas.forEach((beta, i) => {
    checkNumber(`betas[${i}]`, beta, 0);
    if (beta >= 1) throw new Error(`betas[${i}]: expected a number below 1, got ${beta}`);
  });
  checkNumber('eps', eps, 0);
  checkNumber('weightDecay', weightDecay, 0);
}

/**
 * One step of AdamW (Loshchilov & Hutter 2019, algorithm 2), with the semantics of `torch.optim.AdamW`: bias
 * correction, eps outside the corrected root, decay decoupled from the gradient.
 *
 * @returns New parameters and a new state; the caller owns them and disposes the old ones.
 * @throws Error if the trees do not have the same leaves and shapes, or a hyper-parameter is out of range.
 */
export function adamWStep<P extends ParamTree>(
  { params, grads, state }: AdamWInputs<P>,
  options: AdamWOptions,
): AdamWResult<P> {
  checkOptions(options, ADAMW_OPTIONS);
  const { learningRate, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01, donate = false } = options;
  checkAdamW({ learningRate, betas, eps, weightDecay });
  checkCount('state.step', state.step, 0);
  const step = state.step + 1;
  const result = adamW(
    {
      params: paramLeaves(params),
      grads: leavesLike(params, grads, 'grads'),
      m: leavesLike(params, state.m, 'state.m'),
      v: leavesLike(params, state.v, 'state.v'),
    },
    { learningRate, beta1: betas[0], beta2: betas[1], eps, weightDecay, step, donate },
  );
  return {
    params: replaceLeaves(params, result.params),
    state: { step, m: replaceLeaves(params, result.m), v: replaceLeaves(params, result.v) },
  };
}
