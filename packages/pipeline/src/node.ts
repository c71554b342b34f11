export {
  CHECKPOINT_FORMAT,
  type CheckpointContent,
  checksumOf,
  type LoadedCheckpoint,
  loadCheckpoint,
  type StateFile,
} from './node/checkpoint';
export { denseFile, denseMetadata, denseParams } from './node/dense-model';
export { type Drawable, describeDrawable } from './node/drawable';
export { DIFFUSERS_FILE, expectArtifact, identify } from './node/identify';
export { checkSameImages, imageRecord } from './node/image-record';
export {
  bundleMetadata,
  describeModel,
  loadModel,
  type ModelDescription,
  modelFolder,
  modelGroups,
} from './node/load-model';
export { readConfigFile } from './node/read-config-file';
export {
  checkpointPath,
  checkpointSteps,
  configFile,
  isRunFolder,
  type RunRecord,
  readRunRecord,
} from './node/run-folder';
export { runFormat } from './node/run-format';
