import { ADAMW_OPTIONS, type AdamWOptions, type AdamWResult, checkAdamW } from './adamw';
import { checkNumber, checkOptions } from './core/check';
import type { AdamWEmaAttrs } from './ops/adamw-ema';
import type { ParamTree } from './tree';

/** Hyper-parameters of a step of clipping, AdamW and the moving average. */
export type AdamWEmaOptions = AdamWOptions & {
  /** Decay of the moving average in [0, 1]; at 1 it stays what it is. */
  readonly emaDecay: number;
  /** Largest global norm of the gradients (default: no clipping). */
  readonly clipNorm?: number;
};

/** What such a step returns for one tree. */
export type AdamWEmaResult<P extends ParamTree> = AdamWResult<P> & {
  /** Moving average of the parameters after the step. */
  readonly ema: P;
};

/** Attributes of the kernel without the step count, which belongs to a state. */
export type StepAttrs = Omit<AdamWEmaAttrs, 'step'>;

/**
 * Converts options to attributes of the kernel.
 *
 * @throws Error on an unknown option and on one that is out of range
 */
export function stepAttrs(options: AdamWEmaOptions): StepAttrs {
  checkOptions(options, [...ADAMW_OPTIONS, 'emaDecay', 'clipNorm']);
  const { learningRate, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01, donate = false } = options;
  const { emaDecay, clipNorm } = options;
  checkAdamW({ learningRate, betas, eps, weightDecay });
  checkNumber('emaDecay', emaDecay, 0, 1);
  if (clipNorm !== undefined) checkNumber('clipNorm', clipNorm, 0, Number.POSITIVE_INFINITY);
  const maxNorm = clipNorm ?? Number.POSITIVE_INFINITY;
  return { learningRate, beta1: betas[0], beta2: betas[1], eps, weightDecay, decay: emaDecay, maxNorm, donate };
}
