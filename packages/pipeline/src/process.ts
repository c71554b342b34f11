import { type FlowProcess, flowMatching, type GaussianDiffusion, gaussianDiffusion } from '@learngene/diffusion';
import type { Config } from './config/schema';

/** The diffusion process of a run. */
export type Process = GaussianDiffusion | FlowProcess;

/** Makes the process that a configuration names. */
export function createProcess(config: Config): Process {
  const { process, schedule, timesteps, prediction, variance } = config.diffusion;
  if (process === 'flow') return flowMatching({});
  return gaussianDiffusion({ schedule, timesteps, prediction, variance, loss: 'mse' });
}
