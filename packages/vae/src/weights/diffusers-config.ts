import type { VaeConfig } from '../config';
import { checkConfig, checkObject, shown } from '../core/arguments';
import { type KlVaeConfig, klVaeConfig, validateKlVaeConfig } from '../kl/config';
import { type TinyVaeConfig, tinyVaeConfig, validateTinyVaeConfig } from '../tiny/config';
import { checkTinyLayout } from '../tiny/keys';

/** The `config.json` of an autoencoder in diffusers. */
export type DiffusersVaeConfig = Readonly<Record<string, unknown>> & {
  /** Class that diffusers loads it with. */
  readonly _class_name: 'AutoencoderTiny' | 'AutoencoderKL';
};

/** Fields of `AutoencoderTiny`, with what diffusers assumes for one that a file lacks. */
const TINY = {
  in_channels: 3,
  out_channels: 3,
  encoder_block_out_channels: [64, 64, 64, 64],
  decoder_block_out_channels: [64, 64, 64, 64],
  act_fn: 'relu',
  upsample_fn: 'nearest',
  latent_channels: 4,
  upsampling_scaling_factor: 2,
  num_encoder_blocks: [1, 3, 3, 3],
  num_decoder_blocks: [3, 3, 3, 1],
  latent_magnitude: 3,
  latent_shift: 0.5,
  force_upcast: false,
  scaling_factor: 1,
  shift_factor: 0,
  block_out_channels: undefined, // a copy of decoder_block_out_channels
};

/** Fields of `AutoencoderKL`, with what diffusers assumes for one that a file lacks. */
const KL = {
  in_channels: 3,
  out_channels: 3,
  down_block_types: ['DownEncoderBlock2D'],
  up_block_types: ['UpDecoderBlock2D'],
  block_out_channels: [64],
  layers_per_block: 1,
  act_fn: 'silu',
  latent_channels: 4,
  norm_num_groups: 32,
  sample_size: 32,
  scaling_factor: 0.18215,
  shift_factor: null,
  latents_mean: null,
  latents_std: null,
  force_upcast: true, // of half precision; this package computes in float32
  use_quant_conv: true,
  use_post_quant_conv: true,
  mid_block_add_attention: true,
};

/**
 * The configuration in a diffusers `config.json`. Fields that begin with `_` are notes of diffusers, but for the class.
 *
 * @param file - the parsed JSON.
 * @throws on another class, a field that is not known, and a value that this package does not compute, naming the field
 */
export function vaeConfigFromDiffusers(file: unknown): VaeConfig {
  checkObject('file', file as object);
  const given = file as Record<string, unknown>;
  const name = given._class_name;
  if (name === 'AutoencoderTiny') return readTiny(withDefaults(given, TINY));
  if (name === 'AutoencoderKL') return readKl(withDefaults(given, KL));
  throw new Error(`_class_name: expected AutoencoderTiny or AutoencoderKL, got ${shown(name)}`);
}

function withDefaults<T extends object>(given: Record<string, unknown>, defaults: T): { [K in keyof T]: unknown } {
  const known = Object.keys(defaults);
  const odd = Object.keys(given).find((key) => !key.startsWith('_') && !known.includes(key));
  if (odd !== undefined) throw new Error(`config.json: expected only ${known.join(', ')}, got '${odd}'`);
  return Object.fromEntries(known.map((key) => [key, given[key] ?? defaults[key as keyof T]])) as {
    [K in keyof T]: unknown;
  };
}

/** Throws unless fields have the one value that this package computes. */
function checkFixed(fields: Record<string, unknown>, fixed: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fixed)) {
    const [expected, got] = [JSON.stringify(value), JSON.stringify(fields[name])];
    if (expected !== got) throw new Error(`${name}: expected ${expected}, got ${got}`);
  }
}

function readTiny(fields: { [K in keyof typeof TINY]: unknown }): TinyVaeConfig {
  checkFixed(fields, {
    out_channels: fields.in_channels,
    upsample_fn: 'nearest',
    upsampling_scaling_factor: 2,
    block_out_channels: fields.block_out_channels === undefined ? undefined : fields.decoder_block_out_channels,
  });
  const config = tinyVaeConfig({
    imageChannels: fields.in_channels as number,
    latentChannels: fields.latent_channels as number,
    encoderWidths: fields.encoder_block_out_channels as number[],
    encoderBlocks: fields.num_encoder_blocks as number[],
    decoderWidths: fields.decoder_block_out_channels as number[],
    decoderBlocks: fields.num_decoder_blocks as number[],
    activation: activationOf(fields.act_fn),
    latentMagnitude: fields.latent_magnitude as number,
    latentShift: fields.latent_shift as number,
    scalingFactor: fields.scaling_factor as number,
    shiftFactor: fields.shift_factor as number,
  });
  checkTinyLayout(config, 'diffusers');
  return config;
}

function activationOf(name: unknown): TinyVaeConfig['activation'] {
  if (name === 'relu') return 'relu';
  if (name === 'silu' || name === 'swish') return 'silu';
  throw new Error(`act_fn: expected "relu", "silu" or "swish", got ${JSON.stringify(name)}`);
}

function readKl(fields: { [K in keyof typeof KL]: unknown }): KlVaeConfig {
  const widths = fields.block_out_channels as number[];
  if (!Array.isArray(widths)) throw new Error(`block_out_channels: expected a list, got ${JSON.stringify(widths)}`);
  checkFixed(fields, {
    out_channels: fields.in_channels,
    act_fn: 'silu',
    down_block_types: widths.map(() => 'DownEncoderBlock2D'),
    up_block_types: widths.map(() => 'UpDecoderBlock2D'),
    latents_mean: null,
    latents_std: null,
  });
  return klVaeConfig({
    imageChannels: fields.in_channels as number,
    latentChannels: fields.latent_channels as number,
    widths,
    blocksPerLevel: fields.layers_per_block as number,
    normGroups: fields.norm_num_groups as number,
    midBlockAttention: fields.mid_block_add_attention as boolean,
    quantConv: fields.use_quant_conv as boolean,
    postQuantConv: fields.use_post_quant_conv as boolean,
    sampleSize: fields.sample_size as number,
    scalingFactor: fields.scaling_factor as number,
    shiftFactor: (fields.shift_factor as number | null) ?? 0,
  });
}

/**
 * The `config.json` that makes diffusers build this autoencoder.
 *
 * @throws for what diffusers cannot express, naming the field
 */
export function vaeConfigToDiffusers(config: VaeConfig): DiffusersVaeConfig {
  checkConfig(config);
  return config.type === 'tiny' ? writeTiny(config) : writeKl(config);
}

function writeTiny(config: TinyVaeConfig): DiffusersVaeConfig {
  validateTinyVaeConfig(config);
  checkTinyLayout(config, 'diffusers');
  return {
    _class_name: 'AutoencoderTiny',
    act_fn: config.activation,
    block_out_channels: config.decoderWidths,
    decoder_block_out_channels: config.decoderWidths,
    encoder_block_out_channels: config.encoderWidths,
    force_upcast: false,
    in_channels: config.imageChannels,
    latent_channels: config.latentChannels,
    latent_magnitude: config.latentMagnitude,
    latent_shift: config.latentShift,
    num_decoder_blocks: config.decoderBlocks,
    num_encoder_blocks: config.encoderBlocks,
    out_channels: config.imageChannels,
    scaling_factor: config.scalingFactor,
    shift_factor: config.shiftFactor,
    upsample_fn: 'nearest',
    upsampling_scaling_factor: 2,
  };
}

function writeKl(config: KlVaeConfig): DiffusersVaeConfig {
  validateKlVaeConfig(config);
  return {
    _class_name: 'AutoencoderKL',
    act_fn: 'silu',
    block_out_channels: config.widths,
    down_block_types: config.widths.map(() => 'DownEncoderBlock2D'),
    force_upcast: true,
    in_channels: config.imageChannels,
    latent_channels: config.latentChannels,
    latents_mean: null,
    latents_std: null,
    layers_per_block: config.blocksPerLevel,
    mid_block_add_attention: config.midBlockAttention,
    norm_num_groups: config.normGroups,
    out_channels: config.imageChannels,
    sample_size: config.sampleSize,
    scaling_factor: config.scalingFactor,
    shift_factor: config.shiftFactor === 0 ? null : config.shiftFactor,
    up_block_types: config.widths.map(() => 'UpDecoderBlock2D'),
    use_post_quant_conv: config.postQuantConv,
    use_quant_conv: config.quantConv,
  };
}
