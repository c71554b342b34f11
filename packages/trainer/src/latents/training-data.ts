import type { ImageDataset } from '@learngene/datasets';
import {
  autoencoderWords,
  type Config,
  ConfigError,
  checkSameAutoencoder,
  type Progress,
  type RecipeAutoencoder,
  recipeAutoencoder,
} from '@learngene/pipeline';
import { describeAutoencoder, loadAutoencoder, readAutoencoder } from '@learngene/pipeline/node';
import { encodeDataset } from './in-memory';
import type { LatentOrigin } from './manifest';
import { scaledRows, withLatents } from './rows';

/**
 * A configuration whose autoencoder is filled in: its hash, sizes, scale and shift. One of pixels stays as it is.
 *
 * @param ofLatents The autoencoder of the latents that the data bring along; taken where the configuration names none, and its
 *   scale and shift where the configuration says none.
 * @throws ConfigError where there is no such autoencoder, or one of another hash than asked for or than that of the latents, and
 *   for another scale than the latents were made for
 */
export async function withAutoencoder(config: Config, ofLatents?: LatentOrigin): Promise<Config> {
  const asked = config.autoencoder ?? ofLatents;
  if (asked === undefined) return config;
  const { path, name } = config.autoencoder ?? {};
  const { scalingFactor, shiftFactor } = ofLatents ?? {};
  const where =
    path === undefined && name === undefined
      ? { ...ofLatents, ...defined(asked) }
      : { ...defined({ scalingFactor, shiftFactor }), ...defined(asked) };
  const filled = { ...config, autoencoder: describeAutoencoder(await readAutoencoder(where), where) };
  checkSameLatents(filled, ofLatents);
  return filled;
}

/** The fields of an object that have a value. */
function defined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/**
 * Refuses latents of another autoencoder than that of a configuration, and those that were made for another scale or shift.
 *
 * @throws ConfigError that names both
 */
export function checkSameLatents({ autoencoder }: Pick<Config, 'autoencoder'>, ofLatents?: LatentOrigin): void {
  if (ofLatents === undefined) return;
  if (autoencoder === undefined) {
    throw new ConfigError(`data.latents: the model works in pixels, got latents of ${autoencoderWords(ofLatents)}`);
  }
  const wanted = recipeAutoencoder({ autoencoder }) as RecipeAutoencoder;
  const argument = 'data.latents';
  checkSameAutoencoder(wanted, ofLatents, { argument, owner: 'expected latents' });
  if (!ofLatents.scaleGiven) return;
  for (const field of ['scalingFactor', 'shiftFactor'] as const) {
    if (wanted[field] === ofLatents[field]) continue;
    throw new ConfigError(
      `${argument}: made for autoencoder.${field} ${ofLatents[field]}, got ${wanted[field]}; leave it out, or encode the images anew`,
      { argument },
    );
  }
}

/** A dataset with latents as they are kept, as the network sees them. */
export function scaledLatents(dataset: ImageDataset, recipe: RecipeAutoencoder): ImageDataset {
  const { latents } = dataset;
  return latents === undefined ? dataset : withLatents(dataset, scaledRows(latents, recipe));
}

/** Images to train on, and images that are held out. */
interface TrainingImages {
  train: ImageDataset;
  heldOut: ImageDataset;
}

/**
 * Encodes the images of a training with the autoencoder of its configuration; the latents stay in memory. Images that are held
 * out are encoded where the validation loss needs them. Needs an engine.
 */
export async function encodeTrainingData(
  { train, heldOut }: TrainingImages,
  config: Pick<Config, 'autoencoder' | 'data' | 'validation'>,
  progress: Progress,
): Promise<TrainingImages> {
  const recipe = recipeAutoencoder(config);
  if (recipe === undefined) return { train, heldOut };
  const loaded = loadAutoencoder(await readAutoencoder(recipe));
  const encode = (images: ImageDataset, mirrored: boolean) =>
    encodeDataset(images, loaded, { mirrored, recipe, progress });
  try {
    return {
      train: await encode(train, config.data.flip),
      heldOut: config.validation === undefined ? heldOut : await encode(heldOut, false),
    };
  } finally {
    loaded.autoencoder.dispose();
  }
}

/**
 * Refuses latents that a training cannot use.
 *
 * @throws ConfigError where mirrored images are asked for that have no latents
 */
export function checkLatents({ latents }: ImageDataset, { data }: Pick<Config, 'data'>): void {
  if (latents === undefined || latents.mirrored || !data.flip) return;
  throw new ConfigError('data.flip: the latents hold no mirrored images; expected false, or latents with them');
}
