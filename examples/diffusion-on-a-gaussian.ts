// Samplers compared where the answer is known. Pixels are normal with mean 0.3 and deviation 0.5, so the best denoiser
// is a formula, and the probability-flow ODE carries each x_T to a known x_0: every sampler's error can be measured.
// Run: npm run example diffusion-on-a-gaussian
import '@tensorflow/tfjs-backend-cpu';
import {
  type Denoiser,
  drawNoise,
  type GaussianDiffusion,
  gaussianDiffusion,
  type LoopOptions,
  type SigmaOptions,
  sampleDdim,
  sampleDpmSolverPP2M,
  sampleEuler,
  sampleHeun,
  sampleUniPC,
} from '@learngene/diffusion';
import { createGenerator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';

await tf.setBackend('cpu');
const MEAN = 0.3;
const STD = 0.5;
const diffusion = gaussianDiffusion({ schedule: 'linear', timesteps: 1000, prediction: 'epsilon' });

/** Deviation of x_t = alpha x_0 + sigma noise. */
const deviation = (alpha: number, sigma: number) => Math.hypot(alpha * STD, sigma);

/** E[noise | x_t]: what a perfectly trained network predicts. */
const denoiser: Denoiser = (x, t) => {
  const step = t.dataSync()[0];
  const alpha = diffusion.sqrtAlphasCumprod[step];
  const sigma = diffusion.sqrtOneMinusAlphasCumprod[step];
  return tf.mul(tf.sub(x, alpha * MEAN), sigma / deviation(alpha, sigma) ** 2);
};

/** Where the ODE ends: it keeps how many deviations a point lies off the mean. */
function exactSample(noise: tf.Tensor4D): tf.Tensor4D {
  const alpha = diffusion.sqrtAlphasCumprod[999];
  const sigma = diffusion.sqrtOneMinusAlphasCumprod[999];
  return tf.add(tf.mul(tf.sub(noise, alpha * MEAN), STD / deviation(alpha, sigma)), MEAN);
}

type Sampler = (
  process: GaussianDiffusion,
  denoiser: Denoiser,
  options: LoopOptions & Pick<SigmaOptions, 'steps' | 'spacing'> & { clip: false },
) => Promise<tf.Tensor4D>;

const samplers: Record<string, Sampler> = {
  DDIM: sampleDdim,
  Euler: sampleEuler,
  Heun: sampleHeun,
  'DPM-Solver++ 2M': sampleDpmSolverPP2M,
  UniPC: sampleUniPC,
};
const noise = drawNoise(createGenerator(0), [1, 16, 16, 1]); // [N, H, W, C]
const exact = exactSample(noise);
console.log('largest error after'.padEnd(20), ...[10, 20, 40].map((steps) => `${steps} steps`.padStart(10)));
for (const [name, sample] of Object.entries(samplers)) {
  const errors: number[] = [];
  for (const steps of [10, 20, 40]) {
    const x = await sample(diffusion, denoiser, { noise, steps, spacing: 'trailing', clip: false });
    errors.push(tf.max(tf.abs(tf.sub(x, exact))).dataSync()[0]);
  }
  console.log(name.padEnd(20), ...errors.map((error) => error.toFixed(4).padStart(10)));
}

/* prints
largest error after    10 steps   20 steps   40 steps
DDIM                     0.4433     0.2340     0.1210
Euler                    0.4433     0.2340     0.1210
Heun                     0.2207     0.0673     0.0210
DPM-Solver++ 2M          0.3246     0.0743     0.0030
UniPC                    0.3085     0.0690     0.0079
*/
