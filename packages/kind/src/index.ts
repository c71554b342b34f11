export { type ApplyKindOptions, applyKind } from './apply';
export { type ApplyGatedOptions, applyGated, type GatedBatch, type GatedLinear } from './apply-gated';
export { type AssembleOptions, assembledConfig, assembleFactored, assembleFactoredAsync } from './assemble';
export type { AssemblyBudget } from './assemble-budget';
export { type AssembleDenseOptions, assembleDense, type DenseModel } from './assemble-dense';
export { type AddTailorsOptions, addTailors } from './bundle/add-tailors';
export { applyBundleChange, type BundleChange, type BundleChangeOptions } from './bundle/bundle-change';
export { BundleError, BundleRequestError, TailorError } from './bundle/bundle-error';
export { baseHash, type DecomposeOptions, decomposeKind, encodeTailors } from './bundle/decompose';
export type { FetchPiece } from './bundle/fetch-bundle';
export type { NamedIn } from './bundle/find-named';
export type { BundleFile } from './bundle/manifest';
export { type MergeBundlesOptions, mergeBundles } from './bundle/merge-bundles';
export {
  type BundleManifest,
  type BundleMetadata,
  type BundleModel,
  type NetworkBundleModel,
  type OpenBundleOptions,
  type OpenNetworkBundleOptions,
  openBundle,
  openBundleManifest,
} from './bundle/open';
export { type RemoveTailorsOptions, removeTailors } from './bundle/remove-tailors';
export { type RenameTailorsOptions, renameTailors } from './bundle/rename-tailors';
export { type BundleProblem, type BundleVerification, verifyBundle } from './bundle/verify-bundle';
export {
  type KindConfigInput,
  type KindSettingsInput,
  kindConfig,
  type NetworkKindConfigInput,
  validateKindConfig,
} from './config';
export type { AnyKindConfig, KindConfig, KindSettings, NetworkKindConfig } from './config-types';
export {
  componentParams,
  countKind,
  countKindBytes,
  countKindMacs,
  countKindParams,
  countTransferParams,
  type DescribedNetwork,
  type KindByteCounts,
  type KindCounts,
  type KindMacCounts,
  type KindParamCounts,
  type TransferCountOptions,
} from './count';
export { type AssembledCounts, type AssembledModel, countAssembled } from './count-assembled';
export { ditNetwork } from './dit-network';
export { type FreshTailorsOptions, freshTailors } from './fresh-tailors';
export { type FromDenseOptions, kindFromDense, kindFromDenseAsync } from './from-dense';
export { type FromDenseReaderOptions, kindFromDenseReader, type LayerError } from './from-dense-reader';
export { softGate } from './gate';
export {
  type GatedTrainInputs,
  gatedTrainStep,
  type KindTrainOptions,
  type KindTrainResult,
} from './gated-train-step';
export { hardenGate, hardenGateAsync } from './harden-gate';
export { type InitKindOptions, type InitNetworkOptions, initKind } from './init';
export { type MixturePart, mixTailors, mixTailorsAsync, type TailorMixture } from './mix-tailors';
export type { FactoredLayer, KindNetwork, Shape } from './network';
export type {
  AnyKindModel,
  KindModel,
  KindParams,
  LearngeneParams,
  MainLayers,
  NetworkKindModel,
  NetworkParams,
  ParamsOf,
  SharedParams,
  TailorParams,
} from './params';
export { softLowRank } from './soft-low-rank';
export type { TailorGroup } from './tailor-groups';
export { groupToKey, openedGates, validateTailorGroups } from './tailor-groups';
export {
  disposeKindTraining,
  disposeReplaced,
  type InitKindTrainingOptions,
  initKindTraining,
  type KindOptimizerState,
  type KindTrainState,
} from './train-state';
export {
  type GroupSteps,
  inFixedOrder,
  paramsFromTree,
  stateFromTrees,
  stateToTrees,
  type TrainStateTrees,
} from './train-state-trees';
export { type KindTrainInputs, kindTrainStep } from './train-step';
export type { Trainable } from './trainable';
export { type TransferOptions, transferKind } from './transfer';
