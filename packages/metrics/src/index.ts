export { type FrechetOptions, frechetDistance } from './frechet-distance';
export { type InceptionScoreOptions, inceptionScore } from './inception-score';
export { type KernelDistanceOptions, kernelDistance } from './kernel-distance';
export { createMoments, finishMoments, type Moments, mergeMoments, updateMoments } from './moments';
export { type PrecisionRecall, type PrecisionRecallOptions, precisionRecall } from './precision-recall';
export type {
  Convention,
  ExtractedFeatures,
  FeatureExtractor,
  FeatureSet,
  ImageBatch,
  MomentStatistics,
  ScoreSpread,
} from './types';
