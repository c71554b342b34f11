import { checkCount, checkFlags, checkNames, checkWord } from './check';
import { type Respacing, spaceTimesteps } from './respacing';
import { type BetaSchedule, betaSchedule, rescaleZeroTerminalSnr } from './schedules';

/**
 * What the network predicts in its first C channels. `epsilon`: the noise ε. `x0`: the data x_0. `velocity`: v = αε -
 * σx_0 (Salimans & Ho 2022). `previous`: the mean of x_{t-1}, where t - 1 is the step before in this process, so that a
 * respaced process needs a network of its own.
 */
export type PredictionType = 'epsilon' | 'x0' | 'previous' | 'velocity';

/**
 * The variance of the reverse step. `fixed-small`: that of the posterior. `fixed-large`: beta. `learned`: the network's
 * second C channels are its logarithm. `learned-range`: they interpolate between the logarithms of the two fixed ones.
 */
export type VarianceType = 'fixed-small' | 'fixed-large' | 'learned' | 'learned-range';

/**
 * The training loss. `mse`: of the predicted quantity; a learned variance adds the variational bound, with the mean
 * held constant. `rescaled-mse`: the same with the bound times T/1000. `kl`: the bound alone, in bits per dimension.
 * `rescaled-kl`: the bound times T, which estimates the sum over all steps.
 */
export type LossType = 'mse' | 'rescaled-mse' | 'kl' | 'rescaled-kl';

/** Settings of {@link gaussianDiffusion}. */
export interface GaussianDiffusionOptions {
  /** Beta schedule (default `'linear'`). */
  readonly schedule?: BetaSchedule;
  /** T, the number of steps that the network is trained on (default 1000). */
  readonly timesteps?: number;
  /** Which of the steps to keep (default all). */
  readonly respacing?: Respacing;
  /** What the network predicts (default `'epsilon'`). */
  readonly prediction?: PredictionType;
  /** Variance of the reverse step (default `'fixed-small'`). */
  readonly variance?: VarianceType;
  /** Training loss (default `'mse'`). */
  readonly loss?: LossType;
  /** Rescale the betas so that x_T is pure noise (default false); not with `epsilon`, which cannot be sampled there. */
  readonly zeroTerminalSnr?: boolean;
  /**
   * Arithmetic of the constants. `'float64'` is the default. `'float32'` rounds every intermediate value, and so
   * repeats the numbers of libraries that keep their tables in single precision.
   */
  readonly precision?: 'float64' | 'float32';
}

/** A Gaussian diffusion process; plain data. Constants are in float64, with one entry per kept step. */
export interface GaussianDiffusion {
  /** Tells the processes apart. */
  readonly kind: 'gaussian';
  /** Number of (kept) steps. */
  readonly timesteps: number;
  /** Number of steps of the process that the network is trained on. */
  readonly originalTimesteps: number;
  /** The original timestep of each kept step, ascending: what the network is given. */
  readonly timestepMap: Int32Array;
  /** What the network predicts. */
  readonly prediction: PredictionType;
  /** Variance of the reverse step. */
  readonly variance: VarianceType;
  /** Training loss. */
  readonly loss: LossType;
  /** Arithmetic of the constants. */
  readonly precision: 'float64' | 'float32';
  /** β_t. */
  readonly betas: Float64Array;
  /** ᾱ_t = Π (1 - β). */
  readonly alphasCumprod: Float64Array;
  /** ᾱ_{t-1}, 1 at the first step. */
  readonly alphasCumprodPrev: Float64Array;
  /** ᾱ_{t+1}, 0 at the last step. */
  readonly alphasCumprodNext: Float64Array;
  /** √ᾱ_t. */
  readonly sqrtAlphasCumprod: Float64Array;
  /** √(1 - ᾱ_t). */
  readonly sqrtOneMinusAlphasCumprod: Float64Array;
  /** log(1 - ᾱ_t). */
  readonly logOneMinusAlphasCumprod: Float64Array;
  /** √(1 / ᾱ_t). */
  readonly sqrtRecipAlphasCumprod: Float64Array;
  /** √(1 / ᾱ_t - 1). */
  readonly sqrtRecipm1AlphasCumprod: Float64Array;
  /** Variance of q(x_{t-1} | x_t, x_0): β_t (1 - ᾱ_{t-1}) / (1 - ᾱ_t). */
  readonly posteriorVariance: Float64Array;
  /** Its logarithm; the first entry, whose variance is 0, repeats the second. */
  readonly posteriorLogVarianceClipped: Float64Array;
  /** Weight of x_0 in the mean of q(x_{t-1} | x_t, x_0). */
  readonly posteriorMeanCoef1: Float64Array;
  /** Weight of x_t in the mean of q(x_{t-1} | x_t, x_0). */
  readonly posteriorMeanCoef2: Float64Array;
}

const OPTIONS: readonly (keyof GaussianDiffusionOptions)[] = [
  'schedule',
  'timesteps',
  'respacing',
  'prediction',
  'variance',
  'loss',
  'zeroTerminalSnr',
  'precision',
];

/**
 * Makes a Gaussian diffusion process (Ho et al. 2020; respacing and learned variances of Nichol & Dhariwal 2021).
 * @param options - schedule, number of steps, what the network predicts, how it is trained
 * @returns plain data; no tensors
 * @throws on a malformed option, schedule or respacing; on betas that have no effect in `precision`, or that follow
 *   signal 0; and for a network of `epsilon` where alpha-bar ends at 0, since the noise in pure noise says nothing
 *   about x_0
 */
export function gaussianDiffusion(options: GaussianDiffusionOptions = {}): GaussianDiffusion {
  checkNames('gaussianDiffusion', options, OPTIONS);
  checkFlags(options, ['zeroTerminalSnr']);
  const { schedule = 'linear', timesteps = 1000, respacing, zeroTerminalSnr = false, precision = 'float64' } = options;
  const { prediction = 'epsilon', variance = 'fixed-small', loss = 'mse' } = options;
  if (zeroTerminalSnr && prediction === 'epsilon') {
    throw new Error("zeroTerminalSnr: expected prediction 'velocity', 'x0' or 'previous', got 'epsilon'");
  }
  checkWord('prediction', prediction, ['epsilon', 'x0', 'previous', 'velocity']);
  checkWord('variance', variance, ['fixed-small', 'fixed-large', 'learned', 'learned-range']);
  checkWord('loss', loss, ['mse', 'rescaled-mse', 'kl', 'rescaled-kl']);
  checkWord('precision', precision, ['float64', 'float32']);
  const given = betaSchedule(schedule, timesteps);
  const betas = zeroTerminalSnr ? rescaleZeroTerminalSnr(given) : given;
  const timestepMap = Int32Array.from({ length: timesteps }, (_, i) => i);
  const types = { prediction, variance, loss, precision };
  const process = { ...types, originalTimesteps: timesteps, timestepMap, ...diffusionConstants(betas, precision) };
  const whole: GaussianDiffusion = { kind: 'gaussian', timesteps, ...process };
  if (prediction === 'epsilon' && whole.alphasCumprod[timesteps - 1] === 0) {
    throw new Error(
      `schedule: expected alpha-bar above 0 at step ${timesteps - 1} for prediction 'epsilon', which cannot be sampled at 0; ` +
        "more timesteps, or prediction 'velocity', 'x0' or 'previous'",
    );
  }
  return respacing === undefined ? whole : respaceDiffusion(whole, spaceTimesteps(timesteps, respacing));
}

/**
 * Makes a process that visits only some steps of another. β'_i = 1 - ᾱ_i / ᾱ_j, where j is the kept step before i, so
 * the marginals at the kept steps do not change.
 * @param process - the process to thin out
 * @param kept - strictly ascending indices of its steps
 * @returns plain data; the network is still given the original timesteps
 * @throws if `kept` is empty, out of range or not ascending
 */
export function respaceDiffusion(process: GaussianDiffusion, kept: ArrayLike<number>): GaussianDiffusion {
  checkCount('kept: number of steps', kept.length, 1);
  const indices = Int32Array.from(kept);
  indices.forEach((_, i) => {
    checkCount(`kept[${i}]`, kept[i], i === 0 ? 0 : indices[i - 1] + 1, process.timesteps - 1);
  });
  const bars = Float64Array.from(indices, (index) => process.alphasCumprod[index]);
  const betas = bars.map((bar, i) => (i === 0 ? 1 - bar : 1 - bar / bars[i - 1]));
  const timestepMap = indices.map((index) => process.timestepMap[index]);
  return {
    ...process,
    ...diffusionConstants(betas, process.precision, bars),
    timesteps: indices.length,
    timestepMap,
  };
}

function diffusionConstants(given: Float64Array, precision: 'float64' | 'float32', bars?: Float64Array) {
  const r = precision === 'float32' ? Math.fround : (x: number) => x;
  let product = 1;
  const alphasCumprod = bars ?? given.map((beta) => (product = r(product * r(1 - r(beta)))));
  alphasCumprod.forEach((bar, i) => {
    const before = i === 0 ? 1 : alphasCumprod[i - 1];
    if (!(bar < before)) throw new Error(`betas[${i}]: expected alpha-bar below ${before} in ${precision}, got ${bar}`);
  });
  const alphasCumprodPrev = alphasCumprod.map((_, i) => (i === 0 ? 1 : alphasCumprod[i - 1]));
  const alphas = alphasCumprod.map((bar, i) => r(bar / alphasCumprodPrev[i]));
  const betas = given.map(r);
  // For the mean, single-precision libraries derive beta again from the products. This repeats their rounding.
  const stepBetas = precision === 'float32' ? alphas.map((alpha) => r(1 - alpha)) : betas;
  const left = alphasCumprod.map((bar) => r(1 - bar)); // 1 - ᾱ_t
  const leftPrev = alphasCumprodPrev.map((bar) => r(1 - bar));
  const posteriorVariance = betas.map((beta, i) => r(r(leftPrev[i] / left[i]) * beta));
  const positive = (i: number) => Math.max(posteriorVariance[i], 1e-20);
  return {
    betas,
    alphasCumprod,
    alphasCumprodPrev,
    alphasCumprodNext: alphasCumprod.map((_, i) => (i + 1 < alphasCumprod.length ? alphasCumprod[i + 1] : 0)),
    sqrtAlphasCumprod: alphasCumprod.map((bar) => r(Math.sqrt(bar))),
    sqrtOneMinusAlphasCumprod: left.map((rest) => r(Math.sqrt(rest))),
    logOneMinusAlphasCumprod: left.map((rest) => r(Math.log(rest))),
    sqrtRecipAlphasCumprod: alphasCumprod.map((bar) => r(Math.sqrt(1 / bar))),
    sqrtRecipm1AlphasCumprod: alphasCumprod.map((bar) => r(Math.sqrt(1 / bar - 1))),
    posteriorVariance,
    posteriorLogVarianceClipped: betas.map((_, i) => r(Math.log(positive(i === 0 && betas.length > 1 ? 1 : i)))),
    posteriorMeanCoef1: stepBetas.map((beta, i) => r(r(r(Math.sqrt(alphasCumprodPrev[i])) * beta) / left[i])),
    posteriorMeanCoef2: alphas.map((alpha, i) => r(r(r(Math.sqrt(alpha)) * leftPrev[i]) / left[i])),
  };
}
