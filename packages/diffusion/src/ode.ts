import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { checkNames, checkWord } from './check';
import { CLIP_OPTIONS, type ClipOptions, clips, clipX0 } from './clip';
import type { Denoiser } from './denoiser';
import { evaluate } from './evaluate';
import { type FlowProcess, flowTimes } from './flow-matching';
import { LOOP_OPTIONS, type LoopOptions, runSteps } from './loop';
import { combine, noiseFromOutput, noiseFromX0, x0FromOutput } from './parameterization';
import type { GaussianDiffusion } from './process';
import { SIGMA_OPTIONS, type SigmaOptions, sigmaGrid } from './sigma-grid';
import { SPACING_OPTIONS } from './spacing';

/** What one evaluation of the network gives. */
export interface OdeEvaluation {
  /** The derivative in the variable that the step integrates over. */
  readonly slope: Tensor4D;
  /** The sample after an Euler step from here. */
  readonly next: Tensor4D;
}

/** An ordinary differential equation whose solution leads from noise to data, on a grid of `steps + 1` points. */
export interface Ode {
  readonly steps: number;
  /** The factor of the caller's noise before the first step. */
  readonly noiseScale: number;
  /** The t that the network is given at a point. */
  time(point: number): number;
  /** Whether the derivative is defined at a point. At noise 0 it is defined only for a flow. */
  defined(point: number): boolean;
  /** Evaluates the network at a point, for the step that starts there. */
  evaluate(x: Tensor4D, point: number, step: number): OdeEvaluation;
  /** How much x changes over a step per unit of slope. */
  stretch(step: number): number;
}

/** Settings of the ODE samplers. */
export interface OdeOptions extends SigmaOptions, ClipOptions {
  /**
   * The factor of `noise` in sigma space, where x_T is x_0 + sigma ε. `'variance-preserving'` (default) is √(sigma² +
   * 1), which takes `noise` as x_T itself. `'sigma-max'` is sigma, as in diffusers' Euler and Heun for the spacings
   * `'linspace'` and `'trailing'`. The two differ by the factor √(1 - ᾱ_T). Only for a Gaussian process that starts at
   * its first step.
   */
  readonly initNoiseSigma?: 'variance-preserving' | 'sigma-max';
}

/**
 * Runs a one-step method on the probability-flow ODE of a Gaussian process in sigma space, or on the ODE of a flow.
 * @param of - the sampler's name
 * @param makeStep - given the equation, the function that takes x over one step
 */
export function solveOde(
  of: 'sampleEuler' | 'sampleHeun',
  process: GaussianDiffusion | FlowProcess,
  denoiser: Denoiser,
  options: LoopOptions & OdeOptions,
  makeStep: (ode: Ode) => (x: Tensor4D, step: number) => Tensor4D,
): Promise<Tensor4D> {
  checkNames(of, options, [...LOOP_OPTIONS, ...SPACING_OPTIONS, ...CLIP_OPTIONS, ...SIGMA_OPTIONS, 'initNoiseSigma']);
  const { initNoiseSigma = 'variance-preserving', startStep = 0 } = options;
  checkWord('initNoiseSigma', initNoiseSigma, ['variance-preserving', 'sigma-max']);
  if (initNoiseSigma === 'sigma-max' && (process.kind === 'flow' || startStep !== 0)) {
    throw new Error("initNoiseSigma: expected 'variance-preserving' for a flow or a startStep, got 'sigma-max'");
  }
  const ode = process.kind === 'flow' ? flowOde(process, denoiser, options) : gaussianOde(process, denoiser, options);
  const advance = makeStep(ode);
  const scaled = (x: Tensor4D, step: number) =>
    step > 0 || ode.noiseScale === 1 ? x : tf.mul<Tensor4D>(x, ode.noiseScale);
  return runSteps(
    { steps: ode.steps, time: ode.time, advance: ([x], step) => [advance(scaled(x, step), step)] },
    options,
  );
}

/**
 * d(x/alpha) = ε d(sigma/alpha) (Song et al. 2021; Karras et al. 2022, algorithm 1); x itself keeps unit variance. A
 * step from pure noise, where sigma/alpha is infinite, integrates the same equation in the form d(x/sigma) = x_0
 * d(alpha/sigma). In both forms Euler's step equals DDIM's, and is computed as DDIM's, which does not divide by a small
 * alpha.
 */
function gaussianOde(process: GaussianDiffusion, denoiser: Denoiser, options: OdeOptions): Ode {
  const spacing = options.spacing ?? 'linspace';
  const points = sigmaGrid(process, { ...options, spacing, family: 'fractional', range: 'timesteps' });
  return {
    steps: points.length - 1,
    noiseScale: options.initNoiseSigma === 'sigma-max' ? points[0].sigma : 1,
    time: (i) => points[i].time,
    defined: (i) => points[i].level > 0,
    evaluate(x, i, step) {
      const output = evaluate(denoiser, x, points[i].time);
      const predicted = x0FromOutput(process, output, x, points[i]);
      const x0 = clipX0(predicted, options);
      const noise = clips(options)
        ? noiseFromX0(x, x0, points[i])
        : noiseFromOutput(process, output, x, predicted, points[i]);
      const { alpha, sigma } = points[step + 1];
      return { slope: points[step].alpha === 0 ? x0 : noise, next: combine(alpha, x0, sigma, noise) };
    },
    stretch(step) {
      const [from, to] = [points[step], points[step + 1]];
      return from.alpha === 0 ? to.alpha : to.alpha * (to.level - from.level);
    },
  };
}

/** dx = velocity d time. */
function flowOde(process: FlowProcess, denoiser: Denoiser, options: OdeOptions): Ode {
  const { steps, spacing = 'trailing', sigmas = 'process', finalSigma = 'zero', stepsOffset = 0 } = options;
  checkWord('spacing', spacing, ['trailing', 'linspace']);
  checkWord('sigmas', sigmas, ['process']);
  checkWord('finalSigma', finalSigma, ['zero']);
  checkWord('stepsOffset', stepsOffset, [0]);
  for (const name of ['rho', 'roundTimesteps'] as const) {
    if (options[name]) throw new Error(`${name}: expected none for a flow, got ${options[name]}`);
  }
  const times = flowTimes(process, { steps, spacing: spacing as 'trailing' | 'linspace' });
  return {
    steps: times.length - 1,
    noiseScale: 1,
    time: (i) => times[i] * process.timeScale,
    defined: (i) => times[i] > 0 || !clips(options), // at time 0 the velocity does not follow from a clipped x_0
    evaluate(x, i, step) {
      const velocity = evaluate(denoiser, x, times[i] * process.timeScale);
      const x0 = clips(options) && clipX0(combine(1, x, -times[i], velocity), options);
      const slope = x0 ? tf.div<Tensor4D>(tf.sub(x, x0), times[i]) : velocity;
      return { slope, next: combine(1, x, times[step + 1] - times[step], slope) };
    },
    stretch: (step) => times[step + 1] - times[step],
  };
}
