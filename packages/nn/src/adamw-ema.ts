import type { Scalar } from '@tensorflow/tfjs-core';
import type { AdamWInputs } from './adamw';
import { type AdamWEmaOptions, type AdamWEmaResult, stepAttrs } from './adamw-ema-options';
import { globalNorm } from './clip';
import { checkCount } from './core/check';
import { stepGroup } from './step-group';
import type { ParamTree } from './tree';

/** What {@link adamWEmaStep} reads; nothing of it is disposed. */
export type AdamWEmaInputs<P extends ParamTree> = AdamWInputs<P> & {
  /** Moving average of the parameters before the step. */
  readonly ema: P;
  /** Global norm of the gradients, if it is known already (default: computed from `grads`). */
  readonly norm?: Scalar;
};

/**
 * `clipByGlobalNorm`, `adamWStep` and `updateEma` in one step. The numbers are the same up to rounding; a backend that
 * has the kernel needs one pass over memory. See `stepParameterGroups` for parameters that differ in learning rate,
 * weight decay or step count.
 *
 * @returns New parameters, state and average; the caller owns them and disposes the old ones.
 * @throws Error if the trees do not have the same leaves and shapes, or a hyper-parameter is out of range.
 */
export function adamWEmaStep<P extends ParamTree>(
  { params, grads, state, ema, norm: given }: AdamWEmaInputs<P>,
  options: AdamWEmaOptions,
): AdamWEmaResult<P> {
  const attrs = stepAttrs(options);
  checkCount('state.step', state.step, 0);
  const norm = options.clipNorm === undefined ? undefined : (given ?? globalNorm(grads));
  const result = stepGroup({ params, grads, state, ema }, { attrs, norm });
  if (norm && !given) norm.dispose();
  return result;
}
