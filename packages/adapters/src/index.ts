export { type ApplyAdaptedOptions, adaptedLinear, applyAdapted } from './apply';
export { type AttachOptions, attachAdapters, attachAdaptersAsync } from './attach';
export type { LayerBlockSize, LayerRank, LayerSettings } from './core/layer-settings';
export type { AdapterMethod, LayerContext, LayerMethod, MethodFacts, OverlayMethod } from './core/method';
export type { LayerSegment } from './core/segments';
export type { Leaves } from './core/trees';
export { type AdapterCounts, countAdapted } from './count';
export { type DecodedAdapter, decodeAdapter } from './files/decode';
export { encodeAdapter } from './files/encode';
export { type EncodeLoraOptions, encodeLora } from './files/encode-lora';
export { withDecodedAdapters } from './files/load';
export type { ModuleOptions, PeftModules } from './files/modules';
export { AdapterFileError } from './files/names';
export {
  applyLowRankDit,
  initLowRankDit,
  type LowRankDitParams,
  lowRankFromDense,
  lowRankFromDenseAsync,
} from './low-rank-dit';
export { type MatchedRank, type MatchRankOptions, matchRank } from './match-rank';
export { disposeMerged, type MergedModel, mergeAdapters, unmergeAdapters } from './merge';
export {
  type AdapterConfig,
  type AdapterConfigInput,
  type AdapterName,
  adapterConfig,
  adapterMethods,
  type ConfigOf,
} from './methods';
export type { BitfitConfig } from './methods/bitfit';
export {
  type ChooseBlocksOptions,
  type ChosenBlocks,
  chooseLearngeneBlocks,
  chooseLearngeneBlocksAsync,
} from './methods/choose-blocks';
export type { DoraConfig } from './methods/dora';
export type { FineConfig } from './methods/fine';
export { type FineDescendantOptions, fineDescendant, fineDescendantAsync } from './methods/fine-descendant';
export type { FullConfig } from './methods/full';
export type { AutoLgConfig, HeurLgConfig, LearngeneBlocks } from './methods/learngene-blocks';
export type { LohaConfig } from './methods/loha';
export type { LoraConfig } from './methods/lora';
export type { OftConfig } from './methods/oft';
export type { PissaConfig } from './methods/pissa';
export type { SvdiffConfig } from './methods/svdiff';
export type { LowRankConfig, SvdCutConfig } from './methods/tailors';
export {
  type AdaptedConfig,
  type AdaptedModel,
  type AdapterParams,
  disposeAdapted,
  type FrozenParams,
  trainableNames,
  trainableParams,
} from './model';
export { loraOfPissa } from './pissa-to-lora';
export {
  type LayerCut,
  loraOfTailors,
  type TailorsOfLora,
  type TailorsOfLoraOptions,
  tailorsOfLora,
  tailorsOfLoraAsync,
} from './tailors-as-lora';
export {
  type AdapterTrainInputs,
  type AdapterTrainOptions,
  type AdapterTrainResult,
  type AdapterTrainState,
  adapterTrainStep,
  disposeAdapterTraining,
  disposeReplacedAdapters,
  initAdapterTraining,
} from './train';
export {
  type Combination,
  type CombineOptions,
  combineLoras,
  combineLorasAsync,
  combineTailors,
  combineTailorsAsync,
  type LoraAdapter,
} from './weighted';
