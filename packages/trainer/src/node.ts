export { isShardPattern } from '@learngene/datasets/node';
export { PROTOCOL_NAMES, type Protocol } from '@learngene/metrics';
export { checkMemory } from './check-memory';
export { checkTarget, type TargetOptions } from './check-target';
export { type ReportRunsOptions, reportFile, reportRuns, type WrittenReports } from './compare/report-runs';
export type { ServePageOptions } from './compare/serve-page';
export { watchRuns } from './compare/watch-runs';
export {
  CONFIG_KINDS,
  type ConfigKind,
  type ConfigReference,
  configReference,
  writeConfigSchema,
} from './config-reference/reference';
export type { DataConfig, DataRecipe } from './data/complete-data';
export { dataFromRecipe } from './data/data-from-recipe';
export { checkHoldOut, type DataPart, type DecodedDataset, decodeData, partOf } from './data/decode-data';
export { type DatasetDescription, describeDataset } from './data/describe-dataset';
export { type EncodingRequest, encodeData, type PreparedEncoding, prepareEncoding } from './data/encode-data';
export { firstImages } from './data/first-images';
export { checkValidation, validationImages } from './data/held-out-images';
export { type MergedData, type MergeRequest, mergeData, writeMergedData } from './data/merge-data';
export { chooseClasses, type OpenData, openData, pretrainingClasses } from './data/open-data';
export {
  checkFits,
  checkShape,
  decodeRunData,
  type MovedData,
  openRecipe,
  type ReopenedRun,
  reopenRunData,
} from './data/run-data';
export { writePacked } from './data/write-packed';
export { adjustPlan, DEMO_SECTIONS, type DemoDataChoice, type PlanChanges, planForData } from './demo/adjust-plan';
export { type CheckDemoOptions, type CheckedDemo, checkDemo } from './demo/check-demo';
export { checkDemoFolder, type DemoFolderOptions, type DemoFolderState, demoFolderState } from './demo/folder';
export { type DemoChoice, type DemoPlan, type DemoSteps, demoPlan, planFor, planOn, withSteps } from './demo/plan';
export { FULL_PIXEL_PLAN, fullLatentPlan, latentPlan, PIXEL_PLAN } from './demo/plans';
export { type DemoResult, type RunDemoOptions, runDemo } from './demo/run-demo';
export { type Score, type ScoreOptions, score, scoreWords } from './demo/score';
export type { DemoStage } from './demo/stages';
export { enlargedRecord, warnOfEnlarged } from './enlarged';
export type { ImageSize, SampleDescription } from './evaluate/check-inputs';
export { checkMetrics, METRIC_NAMES } from './evaluate/check-metrics';
export { evaluateSamples, type SamplesRequest, type SamplesRun } from './evaluate/evaluate-samples';
export { evaluationRows } from './evaluate/evaluation-rows';
export {
  classAccuracy,
  type InDomainExtractor,
  openClassifier,
  type TrainExtractorOptions,
  trainExtractor,
} from './evaluate/in-domain-extractor';
export { noiseSource } from './evaluate/noise-baseline';
export {
  type ComparedCounts,
  type PrecisionMarks,
  precisionWarnings,
  tooFewForPrecision,
} from './evaluate/precision-marks';
export type { DrawingRequest, PreparedDrawing } from './evaluate/prepare-drawing';
export {
  type EvaluationRequest,
  type PreparedClassifier,
  type PreparedEvaluation,
  type PreparedSamples,
  prepareEvaluation,
} from './evaluate/prepare-evaluation';
export { type PreparedProtocol, type ProtocolRequest, prepareProtocol } from './evaluate/prepare-protocol';
export { type EvaluationResult, type RunEvaluationOptions, runEvaluation } from './evaluate/run-evaluation';
export {
  type DrawnBy,
  type OpenExtractor,
  type ProtocolResult,
  type RunProtocolOptions,
  runProtocol,
} from './evaluate/run-protocol';
export { type EncodeFolderOptions, encodeFolder } from './latents/encode-folder';
export { inspectLatents, type LatentInspection } from './latents/latent-rows';
export { encodingWords } from './latents/latent-words';
export {
  isLatentFolder,
  type LatentData,
  type LatentManifest,
  type LatentOrigin,
  type LatentSettings,
  type LatentShard,
  type LatentStatistics,
  readLatentManifest,
  STORED_LATENTS,
  type StoredLatents,
} from './latents/manifest';
export { type OpenLatents, openLatents } from './latents/open-latents';
export { scaledLatents, withAutoencoder } from './latents/training-data';
export { checkParents, checkWritable, strangerIn } from './new-folder';
export { denseStartFile } from './pretrain/dense-start';
export {
  countRunModel,
  type PreparePretrainingOptions,
  preparePretraining,
  pretrain,
  type ResumePretrainingOptions,
  type RunModelCounts,
  resumePretraining,
} from './pretrain/pretrain';
export { sizeSection, spectrumSections } from './reports/model-sections';
export { type CurveSectionsOptions, curveSections, writeRunReport } from './reports/run-report';
export type { ContinueOptions } from './run/continue-run';
export type { LossParts } from './run/loss-parts';
export type { PreparedRun, ResumeOptions, TrainedRun, TrainPreparedOptions } from './run/prepared-run';
export { gridLabels, type RunLearner, type RunTrainingOptions, runTraining } from './run/run-training';
export type { LaterSteps } from './run/tell-duration';
export { type TrainRunOptions, trainRun } from './run/train-run';
export { writeClassGrid } from './run-folder/class-grid';
export { checkNewRun, createRunFolder, pruneCheckpoints, writeRunRecord } from './run-folder/create-run';
export { type MetricsLine, type MetricsLog, openMetricsLog, readMetricsLog } from './run-folder/metrics-log';
export { saveCheckpoint } from './run-folder/save-checkpoint';
export { versions } from './run-folder/versions';
export { writeGrid } from './run-folder/write-grid';
export { type SampledFiles, type SampleToFilesOptions, sampleToFiles } from './sample/sample-to-files';
export {
  type PreparedTransfer,
  prepareTransfer,
  type ResumeTransferOptions,
  resumeTransfer,
  type TrainedTransfer,
  type TransferRequest,
  transfer,
} from './transfer/transfer';
export { type OpenImages, openImages, type TrainingImages } from './vae/open-images';
export { readVaeRunRecord, type VaeRunRecord } from './vae/record';
export { type RunVaeTrainingOptions, runVaeTraining, type VaeRunOutcome, vaeLearnerOf } from './vae/run-vae-training';
export {
  type PreparedVaeRun,
  prepareVaeTraining,
  prepareVaeTrainingOn,
  type ResumeVaeOptions,
  resumeVaeTraining,
  type TrainVaeOptions,
  trainVae,
} from './vae/train-vae';
