import type { Scalar } from '@tensorflow/tfjs-core';
import { ADAMW_OPTIONS, type AdamWInputs, type AdamWOptions, type AdamWResult, checkAdamW } from './adamw';
import { checkCount, checkNumber, checkOptions } from './check';
import { globalNorm } from './clip';
import { adamWEma } from './ops/adamw-ema';
import { leavesLike, type ParamTree, paramLeaves, replaceLeaves } from './tree';

/** What {@link adamWEmaStep} reads; nothing of it is disposed. */
export type AdamWEmaInputs<P extends ParamTree> = AdamWInputs<P> & {
  /** Moving average of the parameters before the step. */
  readonly ema: P;
  /** Global norm of the gradients, where the tree is a part of what is clipped together; by default that of `grads`. */
  readonly norm?: Scalar;
};

/** Hyper-parameters of {@link adamWEmaStep}. */
export type AdamWEmaOptions = AdamWOptions & {
  /** Decay of the moving average in [0, 1]; at 1 it stays what it is. */
  readonly emaDecay: number;
  /** Largest global norm of the gradients (default: no clipping). */
  readonly clipNorm?: number;
};

/** What {@link adamWEmaStep} returns. */
export type AdamWEmaResult<P extends ParamTree> = AdamWResult<P> & {
  /** Moving average of the parameters after the step. */
  readonly ema: P;
};

/**
 * `clipByGlobalNorm`, `adamWStep` and `updateEma` in one: the same numbers to rounding, in one pass over memory on a
 * backend that has the kernel.
 *
 * @returns New parameters, state and average; the caller owns them and disposes the old ones.
 * @throws Error if the trees do not have the same leaves and shapes, or a hyper-parameter is out of range.
 */
export function adamWEmaStep<P extends ParamTree>(
  { params, grads, state, ema, norm: given }: AdamWEmaInputs<P>,
  options: AdamWEmaOptions,
): AdamWEmaResult<P> {
  checkOptions(options, [...ADAMW_OPTIONS, 'emaDecay', 'clipNorm']);
  const { learningRate, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01, reuse = false } = options;
  const { emaDecay, clipNorm } = options;
  checkAdamW({ learningRate, betas, eps, weightDecay });
  checkCount('state.step', state.step, 0);
  checkNumber('emaDecay', emaDecay, 0, 1);
  if (clipNorm !== undefined) checkNumber('clipNorm', clipNorm, 0, Number.POSITIVE_INFINITY);
  const step = state.step + 1;
  const norm = clipNorm === undefined ? undefined : (given ?? globalNorm(grads));
  const result = adamWEma(
    {
      params: paramLeaves(params),
      grads: leavesLike(params, grads, 'grads'),
      m: leavesLike(params, state.m, 'state.m'),
      v: leavesLike(params, state.v, 'state.v'),
      ema: leavesLike(params, ema, 'ema'),
      ...(norm && { norm }),
    },
    {
      learningRate,
      beta1: betas[0],
      beta2: betas[1],
      eps,
      weightDecay,
      step,
      decay: emaDecay,
      maxNorm: clipNorm ?? Number.POSITIVE_INFINITY,
      reuse,
    },
  );
  if (norm && !given) norm.dispose();
  return {
    params: replaceLeaves(params, result.params),
    state: { step, m: replaceLeaves(params, result.m), v: replaceLeaves(params, result.v) },
    ema: replaceLeaves(params, result.ema),
  };
}
