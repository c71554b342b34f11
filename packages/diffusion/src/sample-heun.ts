import * as tf from '@tensorflow/tfjs-core';
import type { Denoiser } from './denoiser';
import type { FlowProcess } from './flow-matching';
import type { LoopOptions } from './loop';
import { type OdeOptions, solveOde } from './ode';
import type { GaussianDiffusion } from './process';

/** Settings of {@link sampleHeun}; defaults as in `EulerOptions`. */
export interface HeunOptions extends LoopOptions, OdeOptions {}

/**
 * Heun's second-order method (Karras et al. 2022, algorithm 1), two evaluations a step; a last step to noise 0 of a
 * Gaussian process (or of a flow with clipping) is Euler's: the derivative is not defined there.
 * @param process - a Gaussian process or a flow
 * @param denoiser - the network, C or 2C channels
 * @param options - start, number and spacing of steps, clipping, call-back, signal
 * @returns x_0 `[N, H, W, C]`; the caller owns it
 * @throws on malformed options, the signal's reason on abort, and whatever the denoiser throws
 */
export async function sampleHeun(
  process: GaussianDiffusion | FlowProcess,
  denoiser: Denoiser,
  options: HeunOptions,
): Promise<tf.Tensor4D> {
  return solveOde(process, denoiser, options, (ode) => (x, step) => {
    const slope = ode.derivative(x, step, step);
    const euler = ode.move(x, slope, step);
    if (!ode.defined(step + 1)) return euler;
    const mean = tf.mul<tf.Tensor4D>(tf.add(slope, ode.derivative(euler, step + 1, step)), 0.5);
    return ode.move(x, mean, step);
  });
}
