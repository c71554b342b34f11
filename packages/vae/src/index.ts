export { type ApplyVaeOptions, decodeVae, encodeVae } from './apply';
export { type Autoencoder, createAutoencoder } from './autoencoder';
export { type VaeConfig, vaeDownscale, validateVaeConfig } from './config';
export { initVae } from './init';
export { KL_VAE_PRESETS, type KlVaeConfig, type KlVaePreset, klVaeConfig } from './kl/config';
export type {
  KlBlockParams,
  KlBlocks,
  KlDecoderLevel,
  KlEncoderLevel,
  KlMidParams,
  KlVaeParams,
  NormParams,
} from './kl/params';
export type { VaeParams } from './params';
export { type Posterior, posteriorKl, samplePosterior } from './posterior';
export { scaleLatents, unscaleLatents } from './scale';
export { decodeVaeTiled, encodeVaeTiled, type TiledVaeOptions } from './tiles/apply-tiled';
export { TINY_VAE_PRESETS, type TinyVaeConfig, type TinyVaePreset, tinyVaeConfig } from './tiny/config';
export type { TinyBlockParams, TinyBlocks, TinyDecoderLevel, TinyEncoderLevel, TinyVaeParams } from './tiny/params';
export { vaeFromLayout, vaeParamsFromTensorData, vaeTensorShapes, vaeToLayout } from './weights/checkpoint';
export { createDecoder } from './weights/decoder';
export { type DiffusersVaeConfig, vaeConfigFromDiffusers, vaeConfigToDiffusers } from './weights/diffusers-config';
export {
  decodeVaeFiles,
  type EncodedVae,
  type EncodeVaeOptions,
  encodeVaeFiles,
  parseVaeConfig,
  VAE_FILES,
  type VaeFiles,
  type VaeFolderConfig,
} from './weights/files';
export { vaeHash } from './weights/hash';
export type { VaeLayout } from './weights/layouts';
export { recogniseVae, type VaeWeightsDescription } from './weights/recognise';
