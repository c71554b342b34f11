export { type AdamWInputs, type AdamWOptions, type AdamWResult, type AdamWState, adamWStep, initAdamW } from './adamw';
export { type AdamWEmaInputs, adamWEmaStep } from './adamw-ema';
export type { AdamWEmaOptions, AdamWEmaResult } from './adamw-ema-options';
export { type ClippedGrads, clipByGlobalNorm, globalNorm } from './clip';
export { type Communicator, type Exchanged, type ReduceOperation, singleProcess } from './communicator';
export { type AxisName, type AxisNames, dims } from './core/dims';
export type { Gradient } from './core/tape';
export { initEma, updateEma, warmupDecay } from './ema';
export { registerGradients } from './gradients';
export { type GateRule, gateOrder, opensGate } from './grouped/gate';
export { type BatchPlan, type GroupBatchOptions, type GroupSegment, planBatch } from './grouped/group-batch';
export {
  type ClassGate,
  type ClassGroup,
  type ClassPlace,
  classGates,
  classPlaces,
  type GroupRules,
  groupByName,
  groupPerClass,
  listNames,
  sharedGroup,
  validateGroups,
} from './grouped/groups';
export { reorderRows } from './grouped/reorder-rows';
export { type AttentionOptions, attention } from './ops/attention';
export { applyConv, type ConvLayerOptions, type ConvParams, initConv } from './ops/conv-layer';
export { type Conv2dOptions, conv2d } from './ops/conv2d';
export { type CustomOp, customOp, hasKernel, runKernel } from './ops/custom-op';
export {
  applyEpilogue,
  type Epilogue,
  type EpilogueGrads,
  epilogueGrads,
  hasEpilogueGrads,
  type ResidualEpilogue,
} from './ops/epilogue';
export { gatedResidual } from './ops/gated-residual';
export { gelu } from './ops/gelu';
export { type GroupNormOptions, groupNorm } from './ops/group-norm';
export { type GroupedLowRank, groupedLowRank, type LowRankFactors, type LowRankSegment } from './ops/grouped-low-rank';
export { groupedLowRankTogether, type TogetherLayer } from './ops/grouped-low-rank-together';
export { type LayerNormOptions, layerNorm, layerNormModulate } from './ops/layer-norm';
export { linear } from './ops/linear';
export { applyLinear, initLinear, type LinearInit, type LinearOptions, type LinearParams } from './ops/linear-layer';
export { lowRankLinear } from './ops/low-rank-linear';
export { stackTensors, sumTensors } from './ops/many-tensors';
export { matmulNN, matmulNT, matmulTN } from './ops/matmul';
export { depthToSpace, spaceToDepth } from './ops/pixel-shuffle';
export { type MlpLayers, type ResidualInputs, residualLinear, residualMlp } from './ops/residual-layers';
export { silu } from './ops/silu';
export { upsampleNearest } from './ops/upsample';
export { type ParameterGroupsResult, stepParameterGroups } from './parameter-groups';
export { canReadSync, prefetch, ReadBackError, readingBack, readSync } from './read-back';
export {
  type CosineOptions,
  constantSchedule,
  cosineSchedule,
  linearSchedule,
  type Schedule,
  type StepOptions,
  stepSchedule,
  type WarmupOptions,
  warmupSchedule,
} from './schedules';
export { mergeParams, type SplitParams, splitParams } from './split';
export type { GroupSettings, LeafSettings, ParameterGroup } from './step-group';
export { paramsFromTensorData, paramsLike, paramsToTensorData } from './tensor-data';
export {
  cloneParams,
  countParams,
  disposeParams,
  disposeReplacedParams,
  flattenParams,
  mapParams,
  type ParamTree,
  paramBytes,
  paramLeaves,
  unflattenParams,
} from './tree';
export { arrangeParams, sortParams } from './tree-order';
export {
  type ValueAndGrad,
  type ValueAndGradWithAux,
  valueAndGrad,
  valueAndGradWithAux,
} from './value-and-grad';
