import {
  type Denoiser,
  type StepEvent,
  sampleDdim,
  sampleDdpm,
  sampleDpmSolverPP2M,
  sampleEuler,
  sampleHeun,
  sampleUniPC,
} from '@learngene/diffusion';
import type { Generator } from '@learngene/random';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import type { Sampling } from '../config/schema';
import { ConfigError } from '../errors';
import type { DiffusionProcess } from '../recipe/diffusion-process';

/** What {@link runSampler} needs besides the network. */
export interface SamplerInputs {
  /** x_T, standard normal. */
  noise: Tensor4D;
  /** Noise of the stochastic samplers. */
  generator: Generator;
  /** Which sampler, and how. */
  sampling: Sampling;
  /** Called after every step. */
  onStep?: (event: StepEvent) => void | Promise<void>;
  /** Stops before the next step. */
  signal?: AbortSignal;
}

/**
 * Throws on an option that only ddim has (`eta`, `spacing`), for another sampler.
 *
 * @param option - the option that gave it, for the message.
 * @throws ConfigError naming the sampler
 */
export function checkDdimOption(option: string, { sampler }: Sampling): void {
  if (sampler === 'ddim') return;
  throw new ConfigError(`${option}: has no part with the sampler ${sampler}; only ddim takes it`);
}

/** Runs the configured sampler; the caller owns the images, [N, H, W, C]. */
export function runSampler(process: DiffusionProcess, denoiser: Denoiser, inputs: SamplerInputs): Promise<Tensor4D> {
  const { noise, generator, sampling, onStep, signal } = inputs;
  const { sampler, steps, eta, clip, spacing = 'trailing' } = sampling;
  const common = { noise, steps, clip, onStep, signal };
  switch (sampler) {
    case 'euler':
      return sampleEuler(process, denoiser, common);
    case 'heun':
      return sampleHeun(process, denoiser, common);
    default:
      if (process.kind === 'flow')
        throw new ConfigError(`sampling.sampler: flow matching takes euler or heun, got ${sampler}`);
  }
  switch (sampler) {
    case 'ddpm':
      return sampleDdpm(process, denoiser, { ...common, generator });
    case 'ddim':
      return sampleDdim(process, denoiser, { ...common, eta, generator, spacing });
    case 'dpm-solver++':
      return sampleDpmSolverPP2M(process, denoiser, common);
    case 'unipc':
      return sampleUniPC(process, denoiser, common);
    default:
      throw new Error(`sampling.sampler: unknown sampler ${String(sampler satisfies never)}`);
  }
}
