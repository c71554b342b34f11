import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type DitConfig, ditConfigToDiffusers, ditToDiffusers, ditToFacebook } from '@learngene/dit';
import { assembleDense, type KindModel } from '@learngene/kind';
import { disposeParams, paramsToTensorData } from '@learngene/nn';
import { writeFileAtomic, writeSafetensors } from '@learngene/tensor-io/node';
import type { Config } from '../config/schema';
import { ConfigError } from '../errors';
import type { Progress } from '../progress';
import { bundleMetadata } from '../recipe/recipe';
import { denseMetadata } from './dense-model';
import { DIFFUSERS_FILE } from './identify';

/** Names of the tensors of a dense model's file; diffusers' are in a folder with its configuration. */
export type DenseLayout = 'learngene' | 'facebook' | 'diffusers';

/** The options of {@link writeDense}. */
export interface WriteDenseOptions {
  /** Names of the tensors. */
  layout: DenseLayout;
  /** The configuration of the run that trained the model; its recipe travels with the file. */
  config: Config;
  /** The option or argument that gave the layout, for messages (default `layout`). */
  argument?: string;
  /** Receives a warning where the images of another program will differ. */
  progress: Progress;
}

/** What {@link writeDense} wrote. */
export interface WrittenDense {
  /** How many tensors. */
  tensors: number;
  /** Shapes of the network. */
  config: DitConfig;
}

/**
 * Writes a model of one group as a plain DiT: a `.safetensors` file or, for diffusers, a folder.
 *
 * @throws ConfigError for a network that the layout has no name for
 */
export async function writeDense(out: string, model: KindModel, options: WriteDenseOptions): Promise<WrittenDense> {
  const { layout, config } = options;
  const dense = assembleDense(model);
  const tensors = await paramsToTensorData(dense.params);
  disposeParams(dense.params);
  const [group] = model.config.groups;
  const classes = group.classNames ?? [group.name];
  const metadata = denseMetadata(dense.config, { classes, recipe: bundleMetadata(config).config });
  if (layout === 'diffusers') {
    const description = describeForDiffusers(out, dense.config, options);
    await mkdir(out, { recursive: true });
    await writeFileAtomic(join(out, 'config.json'), `${JSON.stringify(description, null, 2)}\n`);
    await writeSafetensors(join(out, DIFFUSERS_FILE), ditToDiffusers(tensors, dense.config), { metadata });
  } else {
    await mkdir(dirname(out), { recursive: true });
    // facebookresearch/DiT has no row of the null label where labels were never dropped.
    const nullRow = dense.config.labelDropout > 0 ? 'file' : 'none';
    const named = layout === 'facebook' ? ditToFacebook(tensors, dense.config, { nullRow }) : tensors;
    await writeSafetensors(out, named, { metadata });
  }
  return { tensors: tensors.size, config: dense.config };
}

/**
 * Describes the model for diffusers, as its own converter does, but with a warning: its timestep frequencies differ
 * from those of facebookresearch/DiT.
 */
function describeForDiffusers(out: string, dit: DitConfig, { argument = 'layout', progress }: WriteDenseOptions) {
  if (dit.frequencyShift !== 1) {
    progress.warn(
      `${out}: diffusers embeds timesteps a little differently from this model, so images drawn there differ; learngene reads it as it is (train with model.variant diffusers for the same)`,
    );
  }
  try {
    return ditConfigToDiffusers({ ...dit, frequencyShift: 1 });
  } catch (error) {
    throw new ConfigError(`${argument} diffusers`, { cause: error });
  }
}
