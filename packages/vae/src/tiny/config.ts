import { checkObject } from '../core/arguments';
import { checkCounts, checkFields, checkNumbers, defined, expectField, MAX_CHANNELS } from '../core/field-checks';

/** A tiny autoencoder (TAESD and its relatives): convolutions and residual blocks, deterministic. Plain JSON. */
export interface TinyVaeConfig {
  /** Tells the autoencoders apart. */
  readonly type: 'tiny';
  /** Channels of an image: 3 or 1. */
  readonly imageChannels: number;
  /** Channels of a latent. */
  readonly latentChannels: number;
  /** Channels of each level of the encoder, the outermost first. */
  readonly encoderWidths: readonly number[];
  /** Residual blocks of each level of the encoder. */
  readonly encoderBlocks: readonly number[];
  /** Channels of each level of the decoder, the innermost first. */
  readonly decoderWidths: readonly number[];
  /** Residual blocks of each level of the decoder. */
  readonly decoderBlocks: readonly number[];
  /** Nonlinearity of the residual blocks. */
  readonly activation: 'relu' | 'silu';
  /** 3x3 convolutions of a residual block: 3 in TAESD. */
  readonly blockConvs: number;
  /**
   * 'post-activation' (TAESD): relu(x + f(x)), the activation between the convolutions of f. 'pre-activation' (He et al.
   * 2016b): x + f(x), the activation before every convolution of f.
   */
  readonly blockOrder: 'post-activation' | 'pre-activation';
  /**
   * How a level halves the sides. 'strided' (TAESD): a 3x3 convolution at every second position, and nearest-neighbour
   * upsampling before a 3x3 convolution; the outermost level keeps the size of the image. 'shuffle': squares of 2x2
   * pixels become channels and back, with a 1x1 convolution; every level halves, the outermost too.
   */
  readonly resampling: 'strided' | 'shuffle';
  /**
   * Whether the blocks of the innermost level add a branch with statistics of the whole image first: 1x1 convolution to 4 times
   * the channels, group norm in 4 groups, ReLU, 1x1 convolution back (TAESD for FLUX.2).
   */
  readonly midBlockPooling: boolean;
  /** Where latents are limited to (-3, 3) by 3 tanh(z / 3): as the decoder's first step (TAESD) or the encoder's last. */
  readonly latentClamp: 'decoder' | 'encoder';
  /** Half of the range that `latentMagnitude` and `latentShift` map to [0, 1] where latents are stored as bytes. */
  readonly latentMagnitude: number;
  /** Middle of that range in [0, 1]. */
  readonly latentShift: number;
  /** A diffusion model sees (latents - shiftFactor) · scalingFactor. */
  readonly scalingFactor: number;
  /** See `scalingFactor`. */
  readonly shiftFactor: number;
}

const TAESD: TinyVaeConfig = {
  type: 'tiny',
  imageChannels: 3,
  latentChannels: 4,
  encoderWidths: [64, 64, 64, 64],
  encoderBlocks: [1, 3, 3, 3],
  decoderWidths: [64, 64, 64, 64],
  decoderBlocks: [3, 3, 3, 1],
  activation: 'relu',
  blockConvs: 3,
  blockOrder: 'post-activation',
  resampling: 'strided',
  midBlockPooling: false,
  latentClamp: 'decoder',
  latentMagnitude: 3,
  latentShift: 0.5,
  scalingFactor: 1,
  shiftFactor: 0,
};

const SHUFFLE: TinyVaeConfig = {
  ...TAESD,
  latentChannels: 16,
  encoderWidths: [48, 64, 96],
  encoderBlocks: [1, 2, 3],
  decoderWidths: [96, 64, 48],
  decoderBlocks: [4, 2, 1],
  activation: 'silu',
  blockConvs: 2,
  blockOrder: 'pre-activation',
  resampling: 'shuffle',
  latentClamp: 'encoder',
};

/** A name of {@link TINY_VAE_PRESETS}. */
export type TinyVaePreset = 'taesd' | 'taesd3' | 'taef2' | 'shuffle';

/**
 * Named configurations: `taesd` for latents of Stable Diffusion 1 and 2 and of SDXL, `taesd3` for those of Stable Diffusion 3
 * and FLUX.1 (16 channels), `taef2` for FLUX.2 (32 channels, mid-block pooling), and `shuffle`, 1.64 million parameters, which
 * is cheap to train.
 */
export const TINY_VAE_PRESETS: Readonly<Record<TinyVaePreset, TinyVaeConfig>> = {
  taesd: TAESD,
  taesd3: { ...TAESD, latentChannels: 16 },
  taef2: { ...TAESD, latentChannels: 32, midBlockPooling: true },
  shuffle: SHUFFLE,
};

/**
 * A complete, validated configuration.
 *
 * @param preset - a name of {@link TINY_VAE_PRESETS}, or fields; fields not given are those of `taesd`.
 * @param overrides - fields that replace the preset's.
 * @throws on an unknown preset or field and on a value out of range, naming the field
 */
export function tinyVaeConfig(
  preset: TinyVaePreset | Partial<TinyVaeConfig> = 'taesd',
  overrides: Partial<TinyVaeConfig> = {},
): TinyVaeConfig {
  if (typeof preset === 'string' && !Object.hasOwn(TINY_VAE_PRESETS, preset)) {
    throw new Error(`preset: expected one of ${Object.keys(TINY_VAE_PRESETS).join(', ')}, got '${preset}'`);
  }
  if (typeof preset !== 'string') checkObject('preset', preset);
  checkObject('overrides', overrides);
  const base = typeof preset === 'string' ? TINY_VAE_PRESETS[preset] : { ...TAESD, ...defined(preset) };
  const config: TinyVaeConfig = { ...base, ...defined(overrides) };
  validateTinyVaeConfig(config);
  return config;
}

/** The most levels of an autoencoder: sides are divided by 2 at each. */
const MAX_LEVELS = 8;
/** The most residual blocks of a level, and convolutions of a block. */
const MAX_BLOCKS = 64;

/** Throws on the first field that is missing, unknown or out of range; the message names it. */
export function validateTinyVaeConfig(config: TinyVaeConfig): void {
  checkFields(config, TAESD);
  expectField(config.type === 'tiny', 'type', "'tiny'", config.type);
  checkCounts(config, ['imageChannels', 'latentChannels', 'blockConvs']);
  expectField(config.blockConvs <= MAX_BLOCKS, 'blockConvs', `at most ${MAX_BLOCKS}`, config.blockConvs);
  for (const part of ['encoder', 'decoder'] as const) {
    const [widths, blocks] = [config[`${part}Widths`], config[`${part}Blocks`]];
    checkLevels(`${part}Widths`, widths, 1);
    checkLevels(`${part}Blocks`, blocks, 0);
    expectField(blocks.length === widths.length, `${part}Blocks`, `${widths.length} numbers`, blocks.length);
    const most = Math.max(...blocks);
    expectField(most <= MAX_BLOCKS, `${part}Blocks`, `at most ${MAX_BLOCKS} a level`, most);
  }
  const levels = config.encoderWidths.length;
  expectField(config.decoderWidths.length === levels, 'decoderWidths', `${levels} levels`, config.decoderWidths.length);
  const words = {
    activation: ['relu', 'silu'],
    blockOrder: ['post-activation', 'pre-activation'],
    resampling: ['strided', 'shuffle'],
    latentClamp: ['decoder', 'encoder'],
  } as const;
  for (const [name, known] of Object.entries(words)) {
    const value = config[name as keyof typeof words];
    expectField((known as readonly string[]).includes(value), name, known.join(' or '), value);
  }
  expectField(typeof config.midBlockPooling === 'boolean', 'midBlockPooling', 'true or false', config.midBlockPooling);
  checkNumbers(config, ['latentMagnitude', 'latentShift', 'scalingFactor', 'shiftFactor']);
  expectField(config.latentMagnitude > 0, 'latentMagnitude', 'a positive number', config.latentMagnitude);
  expectField(config.scalingFactor > 0, 'scalingFactor', 'a positive number', config.scalingFactor);
}

function checkLevels(name: string, values: readonly number[], least: number): void {
  expectField(Array.isArray(values), name, 'a list of numbers', values);
  expectField(values.length >= 1 && values.length <= MAX_LEVELS, name, `1 to ${MAX_LEVELS} levels`, values.length);
  for (const value of values) {
    expectField(Number.isSafeInteger(value) && value >= least, name, `whole numbers of at least ${least}`, value);
    expectField(value <= MAX_CHANNELS, name, `at most ${MAX_CHANNELS}`, value);
  }
}
