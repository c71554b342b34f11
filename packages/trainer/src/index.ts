export { type Augmentation, type AugmentOptions, augment, type ImageShape } from './batches/augment';
export { type AutoencoderBatchesOptions, autoencoderBatches, imagesInOrder } from './batches/autoencoder-batches';
export { type DiffusionBatchOptions, type DiffusionSamples, diffusionBatch, toUnit } from './batches/diffusion-batch';
export {
  type DiffusionBatchesOptions,
  type DiffusionBatchesState,
  diffusionBatches,
} from './batches/diffusion-batches';
export {
  type BatchDraws,
  type BatchRandomness,
  type SavedRandomnessOptions,
  type StreamRandomnessOptions,
  savedRandomness,
  streamRandomness,
} from './batches/randomness';
export { type ValidationSet, validationBatches, validationSet } from './batches/validation';
export { checkDenseSettings } from './config/dense-config';
export { batchesOf, denseLearnerOf, type KindOfOptions, kindLearnerOf, scheduleOf } from './config/from-config';
export { groupsOf, modelConfig, networkConfig } from './config/model-config';
export type { AutoencoderBatch, AutoencoderLearner } from './contracts/autoencoder';
export type { BatchMaker } from './contracts/batch-maker';
export type {
  Branch,
  DiffusionBatch,
  DiffusionCounts,
  DiffusionLearner,
  NetworkInputs,
  Spectra,
} from './contracts/diffusion';
export type { Learner, LearnerCounts, LearnerState, StepOptions, StepResult } from './contracts/learner';
export { balanceClasses } from './data/balance-classes';
export { type TransferChoice, transferClasses } from './data/transfer-classes';
export { DataError, InterruptedError, interruptedBy, type MeasuredStep, NonFiniteLossError } from './errors';
export { type MappedLabels, mapLabels, type NamedLabels } from './evaluate/map-labels';
export { noiseSource } from './evaluate/noise-baseline';
export { type EncodeDatasetOptions, encodeDataset } from './latents/in-memory';
export {
  disposeTree,
  freshTree,
  stepTree,
  type TreeState,
  type TreeStep,
  type TreeStepOptions,
  treeFromState,
  treeToState,
} from './learners/adamw-tree';
export { type AdapterLearnerOptions, adapterLearner } from './learners/adapters';
export { type AutoencoderLearnerOptions, autoencoderLearner } from './learners/autoencoder';
export { type DitLearner, type DitLearnerOptions, ditLearner } from './learners/dit';
export { type KindLearner, type KindLearnerOptions, kindLearner } from './learners/kind';
export { labelRowsLearner } from './learners/label-rows';
export { type BatchObjective, batchObjective } from './objective/batch-objective';
export {
  addLosses,
  type LossSums,
  type MeanLosses,
  meanLosses,
  noLosses,
  partsOfSamples,
  type SampleParts,
} from './objective/loss-sums';
export {
  meanSquaredErrors,
  type Reconstruction,
  type ReconstructionWeights,
  reconstructionLosses,
} from './objective/reconstruction';
export { sampleLosses } from './objective/sample-losses';
export { type BatchSequence, meanLoss } from './train/evaluate';
export { type TrainingSchedule, type TrainingScheduleOptions, trainingSchedule } from './train/schedule';
export { type StepEvent, type TrainOptions, train } from './train/train';
export {
  type StartTransferOptions,
  startTransfer,
  TRAINABLE_OF_DOMAIN,
  TRANSFER_TRAINABLES,
  type TransferDomain,
} from './transfer/start-transfer';
export {
  parseVaeTrainingConfig,
  type VaeTrainingConfig,
  type VaeTrainingConfigInput,
  vaeOfConfig,
} from './vae/config';
export { type LatentScale, measureLatentScale } from './vae/latent-scale';
export { reconstructionErrors } from './vae/reconstruction-error';
