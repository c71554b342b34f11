export { printable } from '@learngene/tensor-io';
export { DATA_SOURCES } from './config/data-schema';
export { describeIssues, type IssueContext, unknownKey } from './config/describe-issues';
export { type Json, mergeConfig, parseAssignment, parseConfig } from './config/load';
export type { Config, ConfigInput, Sampling } from './config/schema';
export { SHIPPED_AUTOENCODERS } from './config/shipped-autoencoders';
export { counted } from './counted';
export { errorLine } from './error-line';
export { ConfigError, type ErrorCode, type ErrorFacts, PipelineDisposedError } from './errors';
export { type LoadedAutoencoder, latentDecoder } from './latents/decoder';
export { nearestWord } from './nearest-word';
export { parseNames } from './parse-names';
export type { ComposeOptions } from './pipeline/compose';
export { httpBundle } from './pipeline/http-bundle';
export type { LoadedSource } from './pipeline/model-source';
export { type OpenPipelineOptions, openPipeline, type PipelineSource } from './pipeline/open-pipeline';
export type { Pipeline, SampleOptions } from './pipeline/pipeline';
export { noProgress, type Progress, type ProgressBar } from './progress';
export { duration, textBar, workRate } from './progress-text';
export {
  autoencoderWords,
  checkSameAutoencoder,
  type RecipeAutoencoder,
  recipeAutoencoder,
  type SampledShape,
  sampledShape,
} from './recipe/autoencoder';
export { type ClassOwner, classLabels } from './recipe/class-labels';
export { classNamesOf } from './recipe/class-names';
export { createDiffusionProcess, type DiffusionProcess } from './recipe/diffusion-process';
export { imageSettings } from './recipe/image-settings';
export { bundleMetadata, type Recipe, readRecipe, recipeOf } from './recipe/recipe';
export { NonFinitePixelsError } from './sample/finite-pixels';
export { type DiffusionModel, guidedDenoiser, isKindModel } from './sample/guided-denoiser';
export { type DrawnClasses, drawnClasses, type MixedClass, mixClasses, mixtureName } from './sample/mix-classes';
export { imageBytes, type SampleClassesOptions, sampleClasses } from './sample/sample-classes';
export { type Decode, type SampleImagesOptions, type SampleStep, sampleImages } from './sample/sample-images';
export { checkDdimOption } from './sample/samplers';
