import * as tf from '@tensorflow/tfjs-core';
import { checkCount, checkFlags, checkNames, checkWord } from './check';
import { CLIP_OPTIONS, type ClipOptions, clips, clipX0 } from './clip';
import type { Denoiser } from './denoiser';
import { evaluate } from './evaluate';
import { LOOP_OPTIONS, type LoopOptions, runSteps } from './loop';
import { noiseFromOutput, noiseFromX0, x0FromOutput } from './parameterization';
import type { GaussianDiffusion } from './process';
import { SIGMA_OPTIONS, type SigmaOptions, type SigmaPoint, sigmaGrid } from './sigma-grid';
import { SPACING_OPTIONS } from './spacing';
import { type UniPCCoefficients, type UniPCSolver, unipcCoefficients } from './unipc-coefficients';

/** Settings of {@link sampleUniPC}: `clip` defaults to false, `spacing` to `'linspace'`, `roundTimesteps` to true. */
export interface UniPCOptions extends LoopOptions, SigmaOptions, ClipOptions {
  /** Order of the predictor (default 2); the corrector adds one. */
  readonly order?: 1 | 2 | 3;
  /** B(h) (default `'bh2'`). */
  readonly solverType?: UniPCSolver;
  /** Integrate the prediction of x_0 (default true) or of the noise. */
  readonly predictX0?: boolean;
  /** Lower the order towards the last step (default true). A last step to noise 0 is always of first order. */
  readonly lowerOrderFinal?: boolean;
  /** Steps (from 0) after which the corrector is left out (default none). */
  readonly disableCorrector?: readonly number[];
}

/**
 * UniPC (Zhao et al. 2023, algorithms 1 and 2): a multistep predictor and a corrector. The corrector uses the
 * evaluation that the next step needs anyway, so there is one evaluation per step.
 * @param process - a Gaussian process
 * @param denoiser - the network, C or 2C channels (learned variances are not used)
 * @param options - start, number and spacing of steps, order, clipping, call-back, signal
 * @returns x_0 `[N, H, W, C]`; the caller owns it
 * @throws on malformed options, the signal's reason on abort, and whatever the denoiser throws
 */
export async function sampleUniPC(
  process: GaussianDiffusion,
  denoiser: Denoiser,
  options: UniPCOptions,
): Promise<tf.Tensor4D> {
  checkNames('sampleUniPC', options, [
    ...LOOP_OPTIONS,
    ...SPACING_OPTIONS,
    ...CLIP_OPTIONS,
    ...SIGMA_OPTIONS,
    'order',
    'solverType',
    'predictX0',
    'lowerOrderFinal',
    'disableCorrector',
  ]);
  checkFlags(options, ['predictX0', 'lowerOrderFinal']);
  const { order = 2, solverType: solver = 'bh2', predictX0 = true, lowerOrderFinal = true } = options;
  const { disableCorrector = [], spacing = 'linspace', roundTimesteps = true, startStep = 0 } = options;
  checkWord('order', order, [1, 2, 3]);
  checkWord('solverType', solver, ['bh1', 'bh2']);
  const points = sigmaGrid(process, { ...options, spacing, roundTimesteps, family: 'open', range: 'process' });
  const steps = points.length - 1;
  disableCorrector.forEach((step, i) => {
    checkCount(`disableCorrector[${i}]`, step, 0, steps - 1);
  });
  const orderOf = (step: number) => {
    const [from, to] = [points[step], points[step + 1]];
    if (to.level === 0 || to.level === from.level) return 1;
    return Math.min(order, step - startStep + 1, lowerOrderFinal ? steps - step : order);
  };
  // A step from pure noise integrates x_0, since the noise there says nothing. Later steps do not extrapolate from it.
  const integratesX0 = (step: number) => predictX0 || points[step].alpha === 0;
  const weights = (step: number, corrector: boolean): UniPCCoefficients => {
    const [from, to] = [points[step], points[step + 1]];
    const earlier = points.slice(step - orderOf(step) + 1, step).reverse();
    const finite = earlier.filter(({ alpha }) => alpha > 0);
    return unipcCoefficients({ from, to, earlier: finite, solver, predictX0: integratesX0(step), corrector });
  };
  // state: x, then the corrected x of the step before, then the outputs, newest first
  const advance = ([predicted, before, ...outputs]: readonly tf.Tensor4D[], step: number) => {
    const point = points[step];
    const output = convert(process, denoiser, predicted, { ...options, point, predictX0: integratesX0(step) });
    const corrects = step > startStep && !disableCorrector.includes(step - 1) && integratesX0(step - 1) === predictX0;
    const x = corrects ? weighted(weights(step - 1, true), before, outputs, output) : predicted;
    const history = [output, ...outputs].slice(0, Math.max(order, 2));
    return [weighted(weights(step, false), x, history), x, ...history];
  };
  return runSteps({ steps, time: (step) => points[step].time, advance }, options);
}

function convert(
  process: GaussianDiffusion,
  denoiser: Denoiser,
  x: tf.Tensor4D,
  { point, predictX0, ...clipping }: ClipOptions & { readonly point: SigmaPoint; readonly predictX0: boolean },
): tf.Tensor4D {
  const output = evaluate(denoiser, x, point.time);
  const predicted = x0FromOutput(process, output, x, point);
  const x0 = clipX0(predicted, clipping);
  if (predictX0) return x0;
  return clips(clipping) ? noiseFromX0(x, x0, point) : noiseFromOutput(process, output, x, predicted, point);
}

function weighted(
  { sample, outputs, next }: UniPCCoefficients,
  x: tf.Tensor4D,
  history: readonly tf.Tensor4D[],
  newest?: tf.Tensor4D,
): tf.Tensor4D {
  const terms = [tf.mul<tf.Tensor4D>(x, sample)];
  outputs.forEach((weight, k) => {
    if (weight !== 0) terms.push(tf.mul(history[k], weight));
  });
  if (newest) terms.push(tf.mul(newest, next));
  return tf.addN(terms);
}
