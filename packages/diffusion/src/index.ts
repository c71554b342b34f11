export {
  type BitsPerDimension,
  type BitsPerDimensionOptions,
  bitsPerDimension,
} from './bits-per-dimension';
export type { ClipOptions, Thresholding } from './clip';
export type { DdimStepOptions } from './ddim-step';
export type { Denoiser } from './denoiser';
export { type FlowBatch, type FlowLosses, flowLosses } from './flow-losses';
export { type FlowMatchingOptions, type FlowProcess, flowMatching } from './flow-matching';
export { type BatchedDenoiser, type GuidanceOptions, guideDenoiser, type PairedDenoisers } from './guidance';
export { type InvertDdimOptions, invertDdim } from './invert-ddim';
export { discretizedGaussianLogLikelihood, normalKl } from './likelihood';
export type { LoopOptions, StepEvent } from './loop';
export {
  createLossSecondMoment,
  type LossSecondMoment,
  lossSecondMomentProbabilities,
  sampleLossSecondMoment,
  updateLossSecondMoment,
} from './loss-second-moment';
export { drawNoise } from './noise';
export type { OdeOptions } from './ode';
export {
  type GaussianDiffusion,
  type GaussianDiffusionOptions,
  gaussianDiffusion,
  type LossType,
  type PredictionType,
  respaceDiffusion,
  type VarianceType,
} from './process';
export { type GaussianMoments, qPosterior, qSample } from './q-sample';
export { type Respacing, spaceTimesteps } from './respacing';
export { type ReverseMoments, reverseMoments } from './reverse-moments';
export { type DdimOptions, sampleDdim } from './sample-ddim';
export { type DdpmOptions, sampleDdpm } from './sample-ddpm';
export { type DpmSolverPP2MOptions, sampleDpmSolverPP2M } from './sample-dpm-solver-pp-2m';
export { type EulerOptions, sampleEuler } from './sample-euler';
export { type HeunOptions, sampleHeun } from './sample-heun';
export { sampleUniPC, type UniPCOptions } from './sample-unipc';
export {
  type BetaSchedule,
  betaSchedule,
  type ExplicitSchedule,
  type NamedSchedule,
  rescaleZeroTerminalSnr,
  type ScheduleName,
} from './schedules';
export type { SigmaOptions, SigmaSpacing } from './sigma-grid';
export type { SpacingOptions, TimestepSpacing } from './spacing';
export {
  type FlowTimeDistribution,
  type FlowTimestepOptions,
  flowTimesteps,
  type TimestepBatch,
  uniformTimesteps,
} from './timestep-samplers';
export { type TrainingBatch, type TrainingLosses, trainingLosses } from './training-losses';
export type { UniPCSolver } from './unipc-coefficients';
