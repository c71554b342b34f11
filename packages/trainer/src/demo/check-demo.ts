import { classCounts, type ImageDataset, listNames } from '@learngene/datasets';
import { countKindParams } from '@learngene/kind';
import { type Config, ConfigError, mergeConfig, noProgress, type Progress, parseConfig } from '@learngene/pipeline';
import { modelConfig } from '../config/model-config';
import { partOf } from '../data/decode-data';
import { chooseClasses, openData } from '../data/open-data';
import { withAutoencoder } from '../latents/training-data';
import { checkParamsMemory } from '../run/check-training-memory';
import type { DemoPlan } from './plan';

/** Fewest held-out images of a part with which samples can be compared: a distance needs two. */
const LEAST_HELD_OUT = 2;

/** The options of {@link checkDemo}. */
export interface CheckDemoOptions {
  /** Seed of all randomness. */
  seed: number;
  /** Takes notes on the data (default: none). */
  progress?: Progress;
}

/** A demo that was checked. */
export interface CheckedDemo {
  /** The whole configuration of the pre-training. */
  config: Config;
  /** The images of all its classes, not decoded yet. */
  images: ImageDataset;
}

/**
 * Checks all of a demo that is cheap, before an engine starts, an image is decoded or a folder is made: the autoencoder, the
 * classes and how many images they have, and that the network takes the images.
 *
 * @returns the whole configuration of the pre-training, and the images
 * @throws ConfigError naming the autoencoder, the class with too few images or the field at fault
 */
export async function checkDemo(
  plan: DemoPlan,
  { seed, progress = noProgress }: CheckDemoOptions,
): Promise<CheckedDemo> {
  const asked = parseConfig(mergeConfig(plan.config as Record<string, unknown>, { seed }), 'demo');
  const config = await withAutoencoder(asked);
  const { dataset } = await openData(config.data, progress);
  const parts = { 'to learn': plan.pretraining, 'kept out': plan.novel };
  for (const [words, classes] of Object.entries(parts)) {
    const view = chooseClasses(dataset, classes);
    const counts = classCounts(view);
    const empty = view.classes.filter((_, label) => counts[label] === 0);
    if (empty.length > 0) throw new ConfigError(`data: ${listNames(empty)}: expected images, got none`);
    const { heldOut } = partOf(view, view.classes, config);
    if (heldOut.size >= LEAST_HELD_OUT) continue;
    const have = view.classes.map((name, label) => `${JSON.stringify(name)} has ${counts[label]}`);
    throw new ConfigError(
      `data: a demo compares its samples with ${LEAST_HELD_OUT} or more held-out images of the classes ${words}, got ${heldOut.size}: of ${config.data.holdOut} of each class, and ${listOf(have)}; give classes with more images`,
    );
  }
  checkModel(config, chooseClasses(dataset, plan.pretraining));
  return { config, images: chooseClasses(dataset, [...plan.pretraining, ...plan.novel]) };
}

/** Throws on sizes that the autoencoder or the patches do not take, on impossible ranks, and on a model larger than the memory. */
function checkModel(config: Config, dataset: ImageDataset): void {
  try {
    checkParamsMemory('model', countKindParams(modelConfig(config, dataset)).total);
  } catch (error) {
    throw error instanceof ConfigError ? error : new ConfigError('model', { cause: error });
  }
}

/** How many texts a message lists. */
const MOST_LISTED = 8;

function listOf(texts: readonly string[]): string {
  const more = texts.length > MOST_LISTED ? ` and ${texts.length - MOST_LISTED} more` : '';
  return `${texts.slice(0, MOST_LISTED).join(', ')}${more}`;
}
