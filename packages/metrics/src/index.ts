export { type AugmentOptions, augmentImages } from './classifier/augment';
export { type ClassifierConfig, type ClassifierOptions, classifierConfig } from './classifier/config';
export {
  type ClassifierAccuracyOptions,
  type ClassifierExtractorOptions,
  classifierAccuracy,
  classifierExtractor,
} from './classifier/extractor';
export { type ClassifierParams, initClassifier, type MixerParams, type MlpParams } from './classifier/model';
export {
  type ClassifierStep,
  type ClassifierTraining,
  type LabelledBatches,
  type LabelledImages,
  labelledImages,
  type TrainClassifierOptions,
  type TrainedClassifier,
  trainClassifier,
} from './classifier/train';
export { type EvaluateOptions, type EvaluateProgress, type Evaluation, evaluate, type MetricName } from './evaluate';
export {
  describeReference,
  type EvaluateProtocolOptions,
  evaluateProtocol,
  type ProtocolInputs,
  protocolLack,
} from './evaluate-protocol';
export { type FrechetOptions, frechetDistance } from './frechet-distance';
export { frechetDistanceOfSets } from './frechet-distance-of-sets';
export { datasetSource, type ImageSource, type IndexedImages, imageSource } from './image-source';
export { applyInception, type InceptionLogitsOptions, type InceptionOutputs, inceptionLogits } from './inception/apply';
export { type InceptionExtractorOptions, inceptionExtractor } from './inception/extractor';
export { type InceptionParams, inceptionParams, inceptionShapes } from './inception/params';
export { inceptionInput } from './inception/resize';
export { type InceptionScoreOptions, inceptionScore } from './inception-score';
export { type KernelDistanceOptions, kernelDistance } from './kernel-distance';
export { createMoments, finishMoments, type Moments, mergeMoments, updateMoments } from './moments';
export { type PrecisionRecall, type PrecisionRecallOptions, precisionRecall } from './precision-recall';
export {
  checkProtocol,
  type InceptionResize,
  PROTOCOL_NAMES,
  PROTOCOLS,
  type Protocol,
  type ProtocolRules,
  type ProtocolWords,
} from './protocols';
export { type MeasureReferenceOptions, measureReference, type StatisticsWithImages } from './reference';
export {
  type ReferenceOrigin,
  type ReferenceStatistics,
  type SampleArrays,
  samplesFromArrays,
  samplesToArrays,
  statisticsFromArrays,
  statisticsToArrays,
} from './statistics';
export type {
  Convention,
  ExtractedFeatures,
  FeatureExtractor,
  FeatureSet,
  ImageBatch,
  MomentStatistics,
  ScoreSpread,
} from './types';
