import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type ClipOptions, clipStart, clips } from './clip';
import type { Denoiser } from './denoiser';
import { evaluate } from './evaluate';
import { type FlowProcess, flowTimes } from './flow-matching';
import { combine, noiseFromStart, predictNoise, predictStart } from './parameterization';
import type { GaussianDiffusion } from './process';
import { type SigmaOptions, sigmaGrid } from './sigma-grid';

/** An ordinary differential equation whose solution takes noise to data, on a grid of `steps + 1` points. */
export interface Ode {
  readonly steps: number;
  /** What the network is given at a point. */
  time(point: number): number;
  /** Whether the derivative is defined at a point (at noise 0 it is not, but for a flow). */
  defined(point: number): boolean;
  /** The derivative at a point: one evaluation of the network. */
  derivative(x: Tensor4D, point: number): Tensor4D;
  /** From a point to the next along a derivative. */
  move(x: Tensor4D, derivative: Tensor4D, point: number): Tensor4D;
}

/** Settings of the ODE samplers. */
export interface OdeOptions extends SigmaOptions, ClipOptions {}

/** The probability-flow ODE of a Gaussian process in sigma space, or the flow's own. */
export function odeOf(process: GaussianDiffusion | FlowProcess, denoiser: Denoiser, options: OdeOptions): Ode {
  return process.kind === 'flow' ? flowOde(process, denoiser, options) : gaussianOde(process, denoiser, options);
}

/** d(x/alpha) = ε d(sigma/alpha) (Song et al. 2021; Karras et al. 2022, algorithm 1); x itself keeps unit variance. */
function gaussianOde(process: GaussianDiffusion, denoiser: Denoiser, options: OdeOptions): Ode {
  const spacing = options.spacing ?? 'linspace';
  const points = sigmaGrid(process, { ...options, spacing, family: 'fractional', range: 'timesteps' });
  return {
    steps: points.length - 1,
    time: (i) => points[i].time,
    defined: (i) => points[i].level > 0,
    derivative(x, i) {
      const output = evaluate(denoiser, x, points[i].time);
      if (process.meanType === 'epsilon' && !clips(options)) return output;
      const predicted = predictStart(process, output, x, points[i]);
      if (!clips(options)) return predictNoise(process, output, x, predicted, points[i]);
      return noiseFromStart(x, clipStart(predicted, options), points[i]);
    },
    move(x, derivative, i) {
      const [from, to] = [points[i], points[i + 1]];
      return combine(to.alpha / from.alpha, x, to.alpha * (to.level - from.level), derivative);
    },
  };
}

/** dx = velocity d time. */
function flowOde(process: FlowProcess, denoiser: Denoiser, options: OdeOptions): Ode {
  const { steps, spacing = 'trailing', sigmas = 'process' } = options;
  if (spacing === 'leading' || sigmas !== 'process') {
    throw new Error("spacing: expected 'trailing' or 'linspace' and sigmas 'process' for a flow");
  }
  const times = flowTimes(process, { steps, spacing });
  return {
    steps: times.length - 1,
    time: (i) => times[i] * process.timeScale,
    defined: (i) => times[i] > 0 || !clips(options), // at time 0 the velocity does not follow from a clipped x_0
    derivative(x, i) {
      const velocity = evaluate(denoiser, x, times[i] * process.timeScale);
      if (!clips(options)) return velocity;
      const start = clipStart(combine(1, x, -times[i], velocity), options);
      return tf.div<Tensor4D>(tf.sub(x, start), times[i]);
    },
    move: (x, derivative, i) => combine(1, x, times[i + 1] - times[i], derivative),
  };
}
