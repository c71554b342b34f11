export { type DitConfig, type DitFlavour, ditConfig, ditFlavour, validateDitConfig } from './config';
export { countDitMacs, countDitParams, type DitMacCounts, type DitParamCounts } from './counts';
export { initDit } from './init';
export { type DropLabelsOptions, dropLabels } from './labels';
export { blockLinearNames, linearShape } from './linears';
export type { DitBaseParams, DitBlockParams, DitParams } from './params';
export { DIT_PRESETS, type DitPreset, type DitPresetFields } from './presets';
export { gridSize, mlpWidth, nullLabel, outChannels, TIMESTEP_DIMS, tokenCount } from './sizes';
