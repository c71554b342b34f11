import { describe, expect, it as test } from 'vitest';
import { type VaeConfig, vaeDownscale, validateVaeConfig } from './config';
import { KL_VAE_PRESETS, klVaeConfig } from './kl/config';
import { TINY_VAE_PRESETS, tinyVaeConfig } from './tiny/config';
import { vaeConfigFromDiffusers, vaeConfigToDiffusers } from './weights/diffusers-config';

const configs: Record<string, VaeConfig> = { ...TINY_VAE_PRESETS, ...KL_VAE_PRESETS };

describe('the presets', () => {
  test.each(Object.keys(configs))('%s is valid plain JSON', (name) => {
    validateVaeConfig(configs[name]);
    expect(JSON.parse(JSON.stringify(configs[name]))).toEqual(configs[name]);
  });

  test('divide the sides by 8', () => {
    expect(Object.values(configs).map(vaeDownscale)).toEqual(Object.values(configs).map(() => 8));
  });

  test('are what the functions return, with the overrides', () => {
    expect(tinyVaeConfig()).toEqual(TINY_VAE_PRESETS.taesd);
    expect(tinyVaeConfig('shuffle', { latentChannels: 4 }).latentChannels).toBe(4);
    expect(klVaeConfig('flux')).toEqual(KL_VAE_PRESETS.flux);
    expect(klVaeConfig({ widths: [32], latentChannels: undefined })).toEqual({ ...KL_VAE_PRESETS.sd1, widths: [32] });
  });
});

describe('a configuration is refused by the name of the field', () => {
  const tiny: [object, string][] = [
    [{ latentChannels: 0 }, 'latentChannels: expected a positive whole number, got 0'],
    [{ latentChannels: '4' }, "latentChannels: expected a positive whole number, got '4'"],
    [{ imageChannels: 1.5 }, 'imageChannels: expected a positive whole number'],
    [{ encoderWidths: [] }, 'encoderWidths: expected 1 to 8 levels, got 0'],
    [{ encoderWidths: 64 }, 'encoderWidths: expected a list of numbers, got 64'],
    [{ encoderWidths: [64, 64, 64, 1e9] }, 'encoderWidths: expected at most 16384'],
    [{ encoderBlocks: [1, 1, 1, 1e9] }, 'encoderBlocks: expected at most'],
    [{ encoderBlocks: [1, 1, 1] }, 'encoderBlocks: expected 4 numbers, got 3'],
    [{ encoderBlocks: [1, 1, 1, -1] }, 'encoderBlocks: expected whole numbers of at least 0, got -1'],
    [{ decoderWidths: [64], decoderBlocks: [1] }, 'decoderWidths: expected 4 levels, got 1'],
    [{ blockConvs: 1000 }, 'blockConvs: expected at most 64'],
    [{ activation: 'gelu' }, "activation: expected relu or silu, got 'gelu'"],
    [{ blockOrder: 'none' }, 'blockOrder: expected post-activation or pre-activation'],
    [{ resampling: 'bilinear' }, 'resampling: expected strided or shuffle'],
    [{ latentClamp: true }, 'latentClamp: expected decoder or encoder, got true'],
    [{ midBlockPooling: 1 }, 'midBlockPooling: expected true or false, got 1'],
    [{ scalingFactor: 0 }, 'scalingFactor: expected a positive number, got 0'],
    [{ shiftFactor: Number.NaN }, 'shiftFactor: expected a finite number, got NaN'],
    [{ latentMagnitude: -3 }, 'latentMagnitude: expected a positive number'],
    [{ latentShift: 'x' }, "latentShift: expected a finite number, got 'x'"],
    [{ width: 3 }, "got 'width'"],
  ];
  test.each(tiny)('tiny %j', (fields, message) => {
    expect(() => tinyVaeConfig(fields)).toThrow(message);
    expect(() => validateVaeConfig({ ...TINY_VAE_PRESETS.taesd, ...fields } as VaeConfig)).toThrow(message);
  });

  const kl: [object, string][] = [
    [{ widths: [48] }, 'widths: expected multiples of normGroups 32, got 48'],
    [{ widths: 'wide' }, "widths: expected a list of numbers, got 'wide'"],
    [{ widths: [] }, 'widths: expected 1 to 8 levels, got 0'],
    [{ widths: [0] }, 'widths: expected positive whole numbers, got 0'],
    [{ widths: [2 ** 20] }, 'widths: expected at most 16384'],
    [{ blocksPerLevel: 0 }, 'blocksPerLevel: expected a positive whole number'],
    [{ blocksPerLevel: 65 }, 'blocksPerLevel: expected at most 64, got 65'],
    [{ normGroups: -1 }, 'normGroups: expected a positive whole number'],
    [{ sampleSize: null }, 'sampleSize: expected a positive whole number, got null'],
    [{ midBlockAttention: 'yes' }, "midBlockAttention: expected true or false, got 'yes'"],
    [{ quantConv: undefined as unknown, postQuantConv: 0 }, 'postQuantConv: expected true or false, got 0'],
    [{ scalingFactor: -1 }, 'scalingFactor: expected a positive number'],
    [{ shiftFactor: Number.POSITIVE_INFINITY }, 'shiftFactor: expected a finite number'],
  ];
  test.each(kl)('kl %j', (fields, message) => {
    expect(() => klVaeConfig(fields)).toThrow(message);
  });

  test('whatever its type', () => {
    expect(() => validateVaeConfig({ type: 'vq' } as unknown as VaeConfig)).toThrow("type: expected 'tiny' or 'kl'");
    expect(() => validateVaeConfig(null as unknown as VaeConfig)).toThrow('config: expected an object');
    const { latentChannels, ...rest } = TINY_VAE_PRESETS.taesd;
    expect(latentChannels).toBe(4);
    expect(() => validateVaeConfig(rest as VaeConfig)).toThrow('latentChannels: expected a value, got undefined');
    expect(() => tinyVaeConfig('toString' as 'taesd')).toThrow('preset: expected one of taesd, taesd3, taef2, shuffle');
    expect(() => klVaeConfig('sd9' as 'sd1')).toThrow("preset: expected one of sd1, sdxl, sd3, flux, got 'sd9'");
  });
});

describe("diffusers' config.json", () => {
  // The fields of the hub's stabilityai/sd-vae-ft-mse.
  const sdVae = {
    _class_name: 'AutoencoderKL',
    _diffusers_version: '0.4.2',
    act_fn: 'silu',
    block_out_channels: [128, 256, 512, 512],
    down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D', 'DownEncoderBlock2D', 'DownEncoderBlock2D'],
    in_channels: 3,
    latent_channels: 4,
    layers_per_block: 2,
    norm_num_groups: 32,
    out_channels: 3,
    sample_size: 256,
    up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D', 'UpDecoderBlock2D', 'UpDecoderBlock2D'],
  };

  test('of an old file is read with the defaults of the class', () => {
    expect(vaeConfigFromDiffusers(sdVae)).toEqual(klVaeConfig('sd1', { sampleSize: 256 }));
    expect(vaeConfigFromDiffusers({ _class_name: 'AutoencoderTiny' })).toEqual(tinyVaeConfig('taesd'));
  });

  test.each(['taesd', 'taesd3', 'sd1', 'sdxl', 'sd3', 'flux'])('of %s comes back as it was', (name) => {
    const file = JSON.parse(JSON.stringify(vaeConfigToDiffusers(configs[name])));
    expect(vaeConfigFromDiffusers(file)).toEqual(configs[name]);
  });

  const refused: [object, string][] = [
    [{ _class_name: 'VQModel' }, "_class_name: expected AutoencoderTiny or AutoencoderKL, got 'VQModel'"],
    [{ act_fn: 'gelu' }, 'act_fn: expected "silu", got "gelu"'],
    [{ out_channels: 4 }, 'out_channels: expected 3, got 4'],
    [{ down_block_types: ['AttnDownEncoderBlock2D'] }, 'down_block_types: expected'],
    [{ up_block_types: ['UpDecoderBlock2D'] }, 'up_block_types: expected'],
    [{ latents_mean: [0, 0, 0, 0] }, 'latents_mean: expected null, got [0,0,0,0]'],
    [{ latents_std: [1, 1, 1, 1] }, 'latents_std: expected null'],
    [{ block_out_channels: 128 }, 'block_out_channels: expected a list'],
    [{ sample_size: [512, 512] }, 'sampleSize: expected a positive whole number'],
    [{ patch_size: [2, 2] }, 'config.json: expected only in_channels'],
  ];
  test.each(refused)('with %j is refused by name', (fields, message) => {
    expect(() => vaeConfigFromDiffusers({ ...sdVae, ...fields })).toThrow(message);
  });

  const refusedTiny: [object, string][] = [
    [{ upsample_fn: 'bilinear' }, 'upsample_fn: expected "nearest", got "bilinear"'],
    [{ upsampling_scaling_factor: 4 }, 'upsampling_scaling_factor: expected 2, got 4'],
    [{ act_fn: 'mish' }, 'act_fn: expected "relu", "silu" or "swish", got "mish"'],
    [{ encoder_block_out_channels: [32, 64, 64, 64] }, 'encoderWidths: expected equal widths in the diffusers layout'],
    [{ block_out_channels: [32, 32, 32, 32] }, 'block_out_channels: expected [64,64,64,64], got [32,32,32,32]'],
    [{ num_encoder_blocks: [1] }, 'encoderBlocks: expected 4 numbers, got 1'],
  ];
  test.each(refusedTiny)('of a tiny one with %j is refused by name', (fields, message) => {
    expect(() => vaeConfigFromDiffusers({ _class_name: 'AutoencoderTiny', ...fields })).toThrow(message);
  });

  test('is not written for what diffusers lacks', () => {
    expect(() => vaeConfigToDiffusers(tinyVaeConfig('taef2'))).toThrow('midBlockPooling: expected false');
    expect(() => vaeConfigToDiffusers(tinyVaeConfig('shuffle'))).toThrow('blockConvs: expected 3');
  });
});
