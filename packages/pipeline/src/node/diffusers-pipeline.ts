import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DitConfig, ditConfigFromDiffusers } from '@learngene/dit';
import { duplicateKey } from '@learngene/tensor-io';
import { weightsAt } from '@learngene/tensor-io/node';
import { parseConfig } from '../config/load';
import { readModelIndex } from '../diffusers/model-index';
import { schedulerFromDiffusers } from '../diffusers/scheduler';
import { ConfigError } from '../errors';
import { describeAutoencoder, readAutoencoder } from './autoencoder';
import type { DenseDescription } from './dense-model';
import { DIFFUSERS_FILE } from './identify';

/** The file that makes a folder a pipeline of diffusers. */
const MODEL_INDEX = 'model_index.json';

/** Images and guidance that `DiTPipeline` has where a call does not say otherwise. */
const DIT_PIPELINE = { steps: 50, guidance: 4 };

/** Reads a JSON file and what it means; errors begin with its path. */
async function readPart<T>(path: string, read: (json: unknown) => T): Promise<T> {
  try {
    const text = await readFile(path, 'utf8');
    const json: unknown = JSON.parse(text);
    const twice = duplicateKey(text);
    if (twice !== undefined) throw new ConfigError(`holds a key twice: ${JSON.stringify(twice)}`);
    return read(json);
  } catch (cause) {
    throw new ConfigError(path, { cause });
  }
}

/** Whether a folder is a pipeline of diffusers, whatever it is of. */
export function isDiffusersPipeline(path: string): boolean {
  return existsSync(join(path, MODEL_INDEX));
}

/** The weights of the network in a pipeline's folder. */
export function pipelineWeights(path: string): string {
  return weightsAt(join(path, 'transformer', DIFFUSERS_FILE));
}

/**
 * Describes a DiT in a folder that diffusers' `DiTPipeline.save_pretrained` wrote: `model_index.json`, `transformer/`,
 * `scheduler/` and `vae/`. Of the weights only the autoencoder's are read, which its hash needs.
 *
 * @throws ConfigError for a file that is missing, has an unknown field, or says what is not computed here; the message
 *   begins with its path
 */
export async function describeDiffusersPipeline(path: string): Promise<DenseDescription> {
  const index = await readPart(join(path, MODEL_INDEX), readModelIndex);
  const dit = await readPart(join(path, 'transformer/config.json'), ditConfigFromDiffusers);
  const { diffusion, sampling } = await readPart(join(path, 'scheduler/scheduler_config.json'), schedulerFromDiffusers);
  const recipe = {
    ...(index.vae && { autoencoder: await autoencoderOf(join(path, 'vae'), dit) }),
    model: modelOf(dit),
    diffusion: { ...diffusion, ...(dit.learnSigma && { variance: 'learned-range' }) },
    sampling: { ...DIT_PIPELINE, ...sampling },
  };
  const classes = Array.from({ length: dit.classes }, (_, id) => index.classNames.get(id) ?? `class ${id}`);
  return { file: pipelineWeights(path), dit, classes, config: parseConfig(recipe, path) };
}

async function autoencoderOf(path: string, { inChannels }: DitConfig) {
  const files = await readAutoencoder({ path }, 'vae');
  const described = describeAutoencoder(files);
  if (described.latentChannels !== inChannels) {
    throw new ConfigError(`${path}: expected latents of ${inChannels} channels, got ${described.latentChannels}`);
  }
  if (described.shiftFactor === 0) return described;
  throw new ConfigError(
    `${join(path, 'config.json')}: shift_factor: expected 0 or none, which DiTPipeline takes it for, got ${described.shiftFactor}`,
  );
}

/** The network as a configuration describes it. */
function modelOf({ patchSize, hiddenSize, depth, heads, mlpRatio, labelDropout, learnSigma }: DitConfig) {
  return { patchSize, hiddenSize, depth, heads, mlpRatio, labelDropout, learnSigma, variant: 'diffusers' };
}
