import { type DitConfig, ditConfig } from '@learngene/dit';
import type { ModelSpec } from './specs';

/** The model's configuration; without learned variance, so that the loss is one mean squared error. */
export function configOf(spec: Omit<ModelSpec, 'weights'>): DitConfig {
  const { hiddenSize, depth, heads, patchSize, inputSize, inChannels, classes } = spec;
  return ditConfig({ hiddenSize, depth, heads, patchSize, inputSize, inChannels, classes, learnSigma: false });
}
