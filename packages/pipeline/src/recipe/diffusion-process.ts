import { type FlowProcess, flowMatching, type GaussianDiffusion, gaussianDiffusion } from '@learngene/diffusion';
import type { Config } from '../config/schema';

/** The diffusion process that a model was trained with: Gaussian diffusion or flow matching. */
export type DiffusionProcess = GaussianDiffusion | FlowProcess;

/** Makes the diffusion process that a recipe names. */
export function createDiffusionProcess(recipe: Pick<Config, 'diffusion'>): DiffusionProcess {
  const { process, schedule, timesteps, prediction, variance } = recipe.diffusion;
  if (process === 'flow') return flowMatching({});
  return gaussianDiffusion({ schedule, timesteps, prediction, variance, loss: 'mse' });
}
