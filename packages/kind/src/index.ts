export { type ApplyKindOptions, applyKind } from './apply';
export { type AssembleOptions, assembleFactored, assembleFactoredAsync } from './assemble';
export type { AssemblyBudget } from './assemble-budget';
export { type AssembleDenseOptions, assembleDense, type DenseModel } from './assemble-dense';
export { BundleError } from './bundle/bundle-error';
export { decomposeKind } from './bundle/decompose';
export {
  type BundleModel,
  type FetchPiece,
  type OpenBundleOptions,
  openBundle,
  openBundleManifest,
} from './bundle/open';
export { type KindConfig, type KindConfigInput, kindConfig, validateKindConfig } from './config';
export {
  componentParams,
  countKind,
  countKindBytes,
  countKindMacs,
  countKindParams,
  countTransferParams,
  type KindByteCounts,
  type KindCounts,
  type KindMacCounts,
  type KindParamCounts,
  type TransferCountOptions,
} from './count';
export { type AssembledCounts, countAssembled } from './count-assembled';
export { type FreshTailorsOptions, freshTailors } from './fresh-tailors';
export { type FromDenseOptions, kindFromDense, kindFromDenseAsync } from './from-dense';
export { softGate } from './gate';
export { type InitKindOptions, initKind } from './init';
export type { KindModel, KindParams, LearngeneParams, MainLayers, SharedParams, TailorParams } from './params';
export { softLowRank } from './soft-low-rank';
export type { TailorGroup } from './tailor-groups';
export { groupToKey } from './tailor-groups';
export {
  disposeKindTraining,
  disposeReplaced,
  type InitKindTrainingOptions,
  initKindTraining,
  type KindOptimizerState,
  type KindTrainState,
} from './train-state';
export { type GroupSteps, inFixedOrder, paramsFromTree, stateFromTrees, stateToTrees } from './train-state-trees';
export { type KindTrainInputs, type KindTrainOptions, type KindTrainResult, kindTrainStep } from './train-step';
export type { Trainable } from './trainable';
export { type TransferOptions, transferKind } from './transfer';
