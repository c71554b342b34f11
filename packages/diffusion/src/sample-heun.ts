import * as tf from '@tensorflow/tfjs-core';
import type { Denoiser } from './denoiser';
import type { FlowProcess } from './flow-matching';
import type { LoopOptions } from './loop';
import { type OdeOptions, solveOde } from './ode';
import type { GaussianDiffusion } from './process';

/** Settings of {@link sampleHeun}; defaults as in `EulerOptions`. */
export interface HeunOptions extends LoopOptions, OdeOptions {}

/**
 * Heun's second-order method (Karras et al. 2022, algorithm 1), two evaluations per step. The last step of a Gaussian
 * process to noise 0, and of a flow with clipping, is an Euler step: the derivative at its end is not defined.
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
  return solveOde('sampleHeun', process, denoiser, options, (ode) => (x, step) => {
    const euler = ode.evaluate(x, step, step);
    if (!ode.defined(step + 1)) return euler.next;
    const change = tf.sub(ode.evaluate(euler.next, step + 1, step).slope, euler.slope);
    return tf.add<tf.Tensor4D>(euler.next, tf.mul(change, ode.stretch(step) / 2));
  });
}
