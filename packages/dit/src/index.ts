export { type ApplyDitOptions, applyDit } from './apply';
export { type ApplyLinear, withEpilogue } from './apply-linear';
export type { DitInputs } from './check';
export {
  type DitConfig,
  type DitVariant,
  ditConfig,
  ditVariant,
  MAX_DIT_DEPTH,
  MAX_DIT_SIZE,
  MAX_DIT_TOKENS,
  MAX_PARAMETERS,
  validateDitConfig,
} from './config';
export { countDitMacs, countDitParams, type DitMacCounts, type DitParamCounts } from './counts';
export { ditFromDiffusers, ditToDiffusers, type FromDiffusersOptions } from './diffusers';
export { type DiffusersDitConfig, ditConfigFromDiffusers, ditConfigToDiffusers } from './diffusers-config';
export { type ClassRows, embedClasses } from './embed-classes';
export { ditFromFacebook, ditToFacebook, type FromFacebookOptions, type ToFacebookOptions } from './facebook';
export { ditLayout, inferDitConfig, type NamedShapes } from './infer';
export { initDit } from './init';
export { type DropLabelsOptions, dropLabels } from './labels';
export { type DitLayout, ditModules, ditTensorShapes } from './layouts';
export { blockLinearNames, type LinearShape, linearShape } from './linears';
export { ditParamsFromTensorData } from './load-params';
export type { DitBaseParams, DitBlockParams, DitFrameParams, DitParams } from './params';
export { patchify, type UnpatchifyOptions, unpatchify } from './patch';
export { positionTable } from './position';
export { ditPrefixes, withoutPrefix } from './prefix';
export { DIT_PRESETS, type DitPreset, type DitPresetFields } from './presets';
export { type DitReader, ditReader, type LazyTensors } from './reader';
export { gatherRows } from './rows';
export { gridSize, mlpWidth, nullLabel, outChannels, TIMESTEP_DIMS, tokenCount } from './sizes';
export { type TimestepEmbeddingOptions, timestepEmbedding } from './timestep';
