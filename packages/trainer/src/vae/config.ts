import { ConfigError, DATA_SOURCES, describeIssues, unknownKey } from '@learngene/pipeline';
import {
  KL_VAE_PRESETS,
  type KlVaePreset,
  klVaeConfig,
  TINY_VAE_PRESETS,
  type TinyVaePreset,
  tinyVaeConfig,
  type VaeConfig,
} from '@learngene/vae';
import * as z from 'zod';

const positive = () => z.int().positive();
const weight = (value: number, text: string) => z.number().min(0).default(value).describe(text);
const share = (value: number, text: string) => z.number().min(0).max(1).default(value).describe(text);

/** Which images an autoencoder is trained on. */
const dataSchema = () =>
  z.strictObject({
    /** Kind of data; told by what lies at the path where it is left out. images: a folder of images, no classes. */
    source: z
      .enum([...DATA_SOURCES, 'images'])
      .optional()
      .describe(
        'kind of data; told by what lies at the path where it is left out. images: a folder of images, no classes',
      ),
    /** Folder or file of the data (not needed for emoji). */
    path: z.string().optional().describe('folder or file of the data (not needed for emoji)'),
    /** Pixels a side that image files are cropped and resized to (64). */
    size: z
      .int()
      .min(4)
      .max(1024)
      .optional()
      .describe('pixels a side that image files are cropped and resized to (64)'),
    /** Which part of IDX and CIFAR data. */
    split: z.enum(['train', 'test']).default('train').describe('which part of IDX and CIFAR data'),
    /** Fraction of the images kept to measure the error on. */
    holdOut: z.number().min(0).lt(1).default(0.1).describe('fraction of the images kept to measure the error on'),
    /** Emoji: with the skin-tone variations. */
    skinVariations: z.boolean().default(false).describe('emoji: with the skin-tone variations'),
    /** Image files: turn images upright by their EXIF tag. */
    autoOrient: z.boolean().default(true).describe('image files: turn images upright by their EXIF tag'),
    /** What to do with images that cannot be read. */
    onCorrupt: z.enum(['error', 'skip']).default('error').describe('what to do with images that cannot be read'),
  });

const lossSchema = () =>
  z.strictObject({
    /** Weight of the mean absolute error of the pixels, in [0, 1]. */
    l1: weight(0.5, 'weight of the mean absolute error of the pixels, in [0, 1]'),
    /** Weight of the mean squared error. */
    mse: weight(10, 'weight of the mean squared error'),
    /** Weight of the absolute error of the differences between neighbouring pixels. */
    gradient: weight(0.5, 'weight of the absolute error of the differences between neighbouring pixels'),
    /** Weight of the mean square of the latents. */
    latent: weight(0.001, 'weight of the mean square of the latents'),
    /** AutoencoderKL: weight of the divergence to N(0, 1), in nats a number of the latent. */
    kl: weight(0, 'AutoencoderKL: weight of the divergence to N(0, 1), in nats a number of the latent'),
    /** Standard deviation of the noise on the latents in training; 0 for an AutoencoderKL. */
    latentNoise: weight(0.1, 'standard deviation of the noise on the latents in training; 0 for an AutoencoderKL'),
  });

const augmentationSchema = () =>
  z.strictObject({
    /** Mirror images at random. */
    flip: z.boolean().default(true).describe('mirror images at random'),
    /** Most pixels that an image is moved by, to any side. */
    shift: z.int().min(0).default(0).describe('most pixels that an image is moved by, to any side'),
    /** How often the colour channels are put in another order. */
    permuteChannels: share(0, 'how often the colour channels are put in another order'),
  });

const trainingSchema = () =>
  z.strictObject({
    /** Optimiser steps in all. */
    steps: positive().default(20_000).describe('optimiser steps in all'),
    /** Images a step. */
    batchSize: positive().default(16).describe('images a step'),
    /** AdamW learning rate after warm-up. */
    learningRate: z.number().positive().default(2e-3).describe('AdamW learning rate after warm-up'),
    /** Steps of linear warm-up. */
    warmup: z.int().min(0).default(100).describe('steps of linear warm-up'),
    /** Learning rate after warm-up. */
    decay: z.enum(['constant', 'cosine']).default('cosine').describe('learning rate after warm-up'),
    /** Steps over which a cosine decays (default: all). */
    decaySteps: positive().optional().describe('steps over which a cosine decays (default: all)'),
    /** Steps after which the learning rate stays as it is (default: none). */
    holdFrom: positive().optional().describe('steps after which the learning rate stays as it is (default: none)'),
    /** Decoupled weight decay of the weights of convolutions. */
    weightDecay: weight(0.01, 'decoupled weight decay of the weights of convolutions'),
    /** Largest global norm of the gradient. */
    clipNorm: z.number().positive().default(1).describe('largest global norm of the gradient'),
    /** Decay of the averaged weights, which are what is kept. */
    emaDecay: z.number().min(0).lt(1).default(0.998).describe('decay of the averaged weights, which are what is kept'),
    /** Products of matrices; bf16 needs the native engine and AVX512-BF16. */
    precision: z
      .enum(['f32', 'bf16'])
      .default('f32')
      .describe('products of matrices; bf16 needs the native engine and AVX512-BF16'),
    /** Steps between checkpoints. */
    checkpointEvery: positive().default(500).describe('steps between checkpoints'),
    /** How many checkpoints stay on disk. */
    keepCheckpoints: positive().default(2).describe('how many checkpoints stay on disk'),
    /** Steps between lines of metrics.jsonl. */
    logEvery: positive().default(20).describe('steps between lines of metrics.jsonl'),
    /** Steps between measurements of the error on held-out images. */
    validateEvery: positive().default(1000).describe('steps between measurements of the error on held-out images'),
    /** Steps between grids of images; 0 for none. */
    sampleEvery: z.int().min(0).default(1000).describe('steps between grids of images; 0 for none'),
  });

/** `preset`, and any field of the autoencoder's own configuration. */
const modelSchema = () =>
  z.looseObject({
    /** A tiny autoencoder (taesd, taesd3, taef2, shuffle) or an AutoencoderKL (sd1, sdxl, sd3, flux). */
    preset: z
      .enum([...Object.keys(TINY_VAE_PRESETS), ...Object.keys(KL_VAE_PRESETS)] as [string, ...string[]])
      .default('shuffle')
      .describe('a tiny autoencoder (taesd, taesd3, taef2, shuffle) or an AutoencoderKL (sd1, sdxl, sd3, flux)'),
  });

const makeSchema = () =>
  z.strictObject({
    /** Seed of all randomness. */
    seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0).describe('seed of all randomness'),
    /** Which images. */
    data: dataSchema().prefault({}).describe('which images'),
    /** The autoencoder. */
    model: modelSchema().prefault({}).describe('the autoencoder'),
    /** The loss. */
    loss: lossSchema().prefault({}).describe('the loss'),
    /** How images are varied. */
    augmentation: augmentationSchema().prefault({}).describe('how images are varied'),
    /** How long and how to train. */
    training: trainingSchema().prefault({}).describe('how long and how to train'),
  });

let made: ReturnType<typeof makeSchema> | undefined;

/** What the training of an autoencoder may be told; made when it is first asked for, so that a bundler can leave it out. */
export function vaeTrainingSchema(): ReturnType<typeof makeSchema> {
  made ??= makeSchema();
  return made;
}

/** Everything that the training of an autoencoder needs to be repeated. */
export type VaeTrainingConfig = z.output<ReturnType<typeof vaeTrainingSchema>>;

/** What a user may write: everything is optional. */
export type VaeTrainingConfigInput = z.input<ReturnType<typeof vaeTrainingSchema>>;

/** The fields of an autoencoder's own configuration that a training may set. */
export function modelFields(preset: string): string[] {
  const fields = Object.hasOwn(KL_VAE_PRESETS, preset) ? klVaeConfig() : tinyVaeConfig();
  return Object.keys(fields).filter((name) => !MEASURED.includes(name));
}

/** Throws on a field of the model that its preset does not have, with one that is near. */
function checkModelFields({ preset, ...fields }: VaeTrainingConfig['model'], source: string): void {
  const known = modelFields(preset);
  const unknown = Object.keys(fields).find((name) => !known.includes(name) && !MEASURED.includes(name));
  if (unknown === undefined) return;
  const context = { schema: vaeTrainingSchema(), value: undefined, moreFields: () => known };
  throw new ConfigError(`${source}: ${unknownKey(['model'], unknown, context)}`);
}

/** Fields of the model that the training decides. */
const MEASURED = ['type', 'scalingFactor', 'shiftFactor'];

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** What a user wrote, with the defaults that go with the preset where they are not those of the schema. */
function withPresetDefaults(value: unknown): unknown {
  if (!isObject(value) || !isObject(value.model)) return value;
  const { model, loss = {} } = value;
  const isKl = typeof model.preset === 'string' && Object.hasOwn(KL_VAE_PRESETS, model.preset);
  return isKl && isObject(loss) ? { ...value, loss: { latentNoise: 0, ...defined(loss) } } : value;
}

/** The fields of an object that have a value. */
function defined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/**
 * Checks the configuration of an autoencoder's training and fills in the defaults.
 *
 * @param source Named in the error, e.g. the file.
 * @throws ConfigError that names every wrong key and value
 */
export function parseVaeTrainingConfig(value: unknown, source: string): VaeTrainingConfig {
  const parsed = vaeTrainingSchema().safeParse(withPresetDefaults(value));
  if (!parsed.success) {
    throw new ConfigError(`${source}: ${describeIssues(parsed.error.issues, { schema: vaeTrainingSchema(), value })}`);
  }
  const config = parsed.data;
  checkModelFields(config.model, source);
  const { l1, mse, gradient, kl, latentNoise } = config.loss;
  const fail = (message: string) => {
    throw new ConfigError(`${source}: ${message}`);
  };
  if (l1 === 0 && mse === 0 && gradient === 0) fail('loss: expected a weight above 0 for l1, mse or gradient');
  const isKl = Object.hasOwn(KL_VAE_PRESETS, config.model.preset);
  if (isKl && latentNoise !== 0) fail('loss.latentNoise: expected 0 for an AutoencoderKL, which draws its latents');
  const { decay, decaySteps } = config.training;
  if (decay === 'constant' && decaySteps !== undefined) {
    fail('training.decaySteps: has a part only with training.decay cosine; leave it out');
  }
  if (!isKl && kl !== 0) fail('loss.kl: expected 0 for a tiny autoencoder, which has no variance; see loss.latent');
  return config;
}

/**
 * The autoencoder of a configuration, for images of some channels. Its scale is measured at the end of the training.
 *
 * @throws ConfigError naming the field
 */
export function vaeOfConfig({ model }: VaeTrainingConfig, imageChannels: number): VaeConfig {
  const { preset, ...fields } = model;
  const measured = Object.keys(fields).find((name) => MEASURED.includes(name));
  if (measured !== undefined) {
    throw new ConfigError(`model.${measured}: expected none; the preset or the training decides it`);
  }
  if (fields.imageChannels !== undefined && fields.imageChannels !== imageChannels) {
    throw new ConfigError(`model.imageChannels: the images have ${imageChannels}, got ${fields.imageChannels}`);
  }
  const all = { ...fields, imageChannels, scalingFactor: 1, shiftFactor: 0 };
  try {
    return Object.hasOwn(KL_VAE_PRESETS, preset)
      ? klVaeConfig(preset as KlVaePreset, all)
      : tinyVaeConfig(preset as TinyVaePreset, all);
  } catch (cause) {
    throw new ConfigError(`model.${(cause as Error).message}`, { cause });
  }
}
