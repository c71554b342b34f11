import { checkObject } from '../core/arguments';
import { checkCounts, checkFields, checkNumbers, defined, expectField, MAX_CHANNELS } from '../core/field-checks';

/** The autoencoder of latent diffusion (Rombach et al. 2022), with a Gaussian posterior. Plain JSON. */
export interface KlVaeConfig {
  /** Tells the autoencoders apart. */
  readonly type: 'kl';
  /** Channels of an image: 3 or 1. */
  readonly imageChannels: number;
  /** Channels of a latent. */
  readonly latentChannels: number;
  /** Channels of each level, the outermost first; sides are halved between two levels. Multiples of `normGroups`. */
  readonly widths: readonly number[];
  /** Residual blocks of a level of the encoder; a level of the decoder has one more. */
  readonly blocksPerLevel: number;
  /** Groups of every group norm. */
  readonly normGroups: number;
  /** Whether the middle of the encoder and the decoder has an attention layer. */
  readonly midBlockAttention: boolean;
  /** Whether a 1x1 convolution follows the encoder. */
  readonly quantConv: boolean;
  /** Whether a 1x1 convolution precedes the decoder. */
  readonly postQuantConv: boolean;
  /** Side in pixels of the images that it was trained on: the default size of a tile. */
  readonly sampleSize: number;
  /** A diffusion model sees (latents - shiftFactor) · scalingFactor. */
  readonly scalingFactor: number;
  /** See `scalingFactor`. */
  readonly shiftFactor: number;
}

/** Stable Diffusion 1.x and 2.x. */
const SD1: KlVaeConfig = {
  type: 'kl',
  imageChannels: 3,
  latentChannels: 4,
  widths: [128, 256, 512, 512],
  blocksPerLevel: 2,
  normGroups: 32,
  midBlockAttention: true,
  quantConv: true,
  postQuantConv: true,
  sampleSize: 512,
  scalingFactor: 0.18215,
  shiftFactor: 0,
};

/** A name of {@link KL_VAE_PRESETS}. */
export type KlVaePreset = 'sd1' | 'sdxl' | 'sd3' | 'flux';

/**
 * Named configurations: `sd1` of Stable Diffusion 1 and 2, `sdxl`, `sd3` (16 channels, no quantisation convolutions), `flux`
 * (the same shapes as `sd3`, another scale).
 */
export const KL_VAE_PRESETS: Readonly<Record<KlVaePreset, KlVaeConfig>> = {
  sd1: SD1,
  sdxl: { ...SD1, sampleSize: 1024, scalingFactor: 0.13025 },
  sd3: {
    ...SD1,
    latentChannels: 16,
    quantConv: false,
    postQuantConv: false,
    sampleSize: 1024,
    scalingFactor: 1.5305,
    shiftFactor: 0.0609,
  },
  flux: {
    ...SD1,
    latentChannels: 16,
    quantConv: false,
    postQuantConv: false,
    sampleSize: 1024,
    scalingFactor: 0.3611,
    shiftFactor: 0.1159,
  },
};

/**
 * A complete, validated configuration.
 *
 * @param preset - a name of {@link KL_VAE_PRESETS}, or fields; fields not given are those of `sd1`.
 * @param overrides - fields that replace the preset's.
 * @throws on an unknown preset or field and on a value out of range, naming the field
 */
export function klVaeConfig(
  preset: KlVaePreset | Partial<KlVaeConfig> = 'sd1',
  overrides: Partial<KlVaeConfig> = {},
): KlVaeConfig {
  if (typeof preset === 'string' && !Object.hasOwn(KL_VAE_PRESETS, preset)) {
    throw new Error(`preset: expected one of ${Object.keys(KL_VAE_PRESETS).join(', ')}, got '${preset}'`);
  }
  if (typeof preset !== 'string') checkObject('preset', preset);
  checkObject('overrides', overrides);
  const base = typeof preset === 'string' ? KL_VAE_PRESETS[preset] : { ...SD1, ...defined(preset) };
  const config: KlVaeConfig = { ...base, ...defined(overrides) };
  validateKlVaeConfig(config);
  return config;
}

/** Throws on the first field that is missing, unknown or out of range; the message names it. */
export function validateKlVaeConfig(config: KlVaeConfig): void {
  checkFields(config, SD1);
  expectField(config.type === 'kl', 'type', "'kl'", config.type);
  checkCounts(config, ['imageChannels', 'latentChannels', 'blocksPerLevel', 'normGroups', 'sampleSize']);
  expectField(config.blocksPerLevel <= 64, 'blocksPerLevel', 'at most 64', config.blocksPerLevel);
  const { widths, normGroups } = config;
  expectField(Array.isArray(widths), 'widths', 'a list of numbers', widths);
  expectField(widths.length >= 1 && widths.length <= 8, 'widths', '1 to 8 levels', widths.length);
  for (const width of widths) {
    expectField(Number.isSafeInteger(width) && width >= 1, 'widths', 'positive whole numbers', width);
    expectField(width <= MAX_CHANNELS, 'widths', `at most ${MAX_CHANNELS}`, width);
    expectField(width % normGroups === 0, 'widths', `multiples of normGroups ${normGroups}`, width);
  }
  for (const name of ['midBlockAttention', 'quantConv', 'postQuantConv'] as const) {
    expectField(typeof config[name] === 'boolean', name, 'true or false', config[name]);
  }
  checkNumbers(config, ['scalingFactor', 'shiftFactor']);
  expectField(config.scalingFactor > 0, 'scalingFactor', 'a positive number', config.scalingFactor);
}
