import * as tf from '@tensorflow/tfjs-core';
import { checkFlags, checkNames, checkWord } from './check';
import { CLIP_OPTIONS, type ClipOptions, clipX0 } from './clip';
import type { Denoiser } from './denoiser';
import { evaluate } from './evaluate';
import { LOOP_OPTIONS, type LoopOptions, runSteps } from './loop';
import { combine, x0FromOutput } from './parameterization';
import type { GaussianDiffusion } from './process';
import { SIGMA_OPTIONS, type SigmaOptions, sigmaGrid } from './sigma-grid';
import { SPACING_OPTIONS } from './spacing';

/** Settings of {@link sampleDpmSolverPP2M}: `clip` defaults to false, `spacing` to `'linspace'`, `roundTimesteps` to true. */
export interface DpmSolverPP2MOptions extends LoopOptions, SigmaOptions, ClipOptions {
  /** 2 (default), or 1: the first-order solver, which is DDIM. */
  readonly order?: 1 | 2;
  /** The form of the second-order term (default `'midpoint'`). */
  readonly solverType?: 'midpoint' | 'heun';
  /**
   * With fewer than 15 steps, take the last one at first order (default true). A last step to noise 0 is always of
   * first order.
   */
  readonly lowerOrderFinal?: boolean;
  /** Take the last step at first order, whatever the number of steps (default false). */
  readonly eulerAtFinal?: boolean;
}

/**
 * DPM-Solver++(2M) (Lu et al. 2022, algorithm 2). It is of second order in log-SNR with one evaluation per step; the
 * first step is of first order. `heun` is the other expansion of its integral.
 * @param process - a Gaussian process
 * @param denoiser - the network, C or 2C channels (learned variances are not used)
 * @param options - start, number and spacing of steps, clipping, call-back, signal
 * @returns x_0 `[N, H, W, C]`; the caller owns it
 * @throws on malformed options, the signal's reason on abort, and whatever the denoiser throws
 */
export async function sampleDpmSolverPP2M(
  process: GaussianDiffusion,
  denoiser: Denoiser,
  options: DpmSolverPP2MOptions,
): Promise<tf.Tensor4D> {
  checkNames('sampleDpmSolverPP2M', options, [
    ...LOOP_OPTIONS,
    ...SPACING_OPTIONS,
    ...CLIP_OPTIONS,
    ...SIGMA_OPTIONS,
    'order',
    'solverType',
    'lowerOrderFinal',
    'eulerAtFinal',
  ]);
  checkFlags(options, ['lowerOrderFinal', 'eulerAtFinal']);
  const { order = 2, solverType = 'midpoint', lowerOrderFinal = true, eulerAtFinal = false } = options;
  const { spacing = 'linspace', roundTimesteps = true, startStep = 0 } = options;
  checkWord('order', order, [1, 2]);
  checkWord('solverType', solverType, ['midpoint', 'heun']);
  const points = sigmaGrid(process, { ...options, spacing, roundTimesteps, family: 'open', range: 'process' });
  const steps = points.length - 1;
  const atFirstOrder = (step: number) => {
    if (order === 1 || step === startStep || points[step + 1].level === 0) return true;
    return step === steps - 1 && (eulerAtFinal || (lowerOrderFinal && steps < 15));
  };
  const advance = ([x, previous]: readonly tf.Tensor4D[], step: number) => {
    const [from, to] = [points[step], points[step + 1]];
    const x0 = clipX0(x0FromOutput(process, evaluate(denoiser, x, from.time), x, from), options);
    const h = to.lambda - from.lambda;
    const decay = Math.expm1(-h);
    const first = combine(to.sigma / from.sigma, x, -to.alpha * decay, x0);
    if (atFirstOrder(step)) return [first, x0];
    const ratio = (from.lambda - points[step - 1].lambda) / h;
    const weight = solverType === 'midpoint' ? -0.5 * to.alpha * decay : to.alpha * (h === 0 ? 0 : decay / h + 1);
    const slope = tf.sub<tf.Tensor4D>(x0, previous);
    return [tf.add<tf.Tensor4D>(first, tf.mul(slope, weight / ratio)), x0];
  };
  return runSteps({ steps, time: (step) => points[step].time, advance }, options);
}
