import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Denoiser } from './denoiser';
import type { FlowProcess } from './flow-matching';
import type { LoopOptions } from './loop';
import { type OdeOptions, solveOde } from './ode';
import type { GaussianDiffusion } from './process';

/**
 * Settings of {@link sampleEuler} and {@link sampleHeun}. `clip` defaults to false; `spacing` to `'linspace'` for a
 * Gaussian process (fractional timesteps are given to the network) and to `'trailing'` for a flow, which needs `steps`.
 */
export interface EulerOptions extends LoopOptions, OdeOptions {}

/**
 * Euler's method on the probability-flow ODE in sigma space (Karras et al. 2022, algorithm 1 without its second-order
 * lines), or on the velocity of a flow. On a Gaussian process it is DDIM with eta 0.
 * @param process - a Gaussian process or a flow
 * @param denoiser - the network, C or 2C channels
 * @param options - start, number and spacing of steps, clipping, call-back, signal
 * @returns x_0 `[N, H, W, C]`; the caller owns it
 * @throws on malformed options, the signal's reason on abort, and whatever the denoiser throws
 */
export async function sampleEuler(
  process: GaussianDiffusion | FlowProcess,
  denoiser: Denoiser,
  options: EulerOptions,
): Promise<Tensor4D> {
  return solveOde('sampleEuler', process, denoiser, options, (ode) => (x, step) => ode.evaluate(x, step, step).next);
}
