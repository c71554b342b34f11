export { type ConfigKey, configKeyRows, configKeys, type JsonSchema } from './config/config-keys';
export { configJsonSchema, jsonSchemaOf } from './config/json-schema';
export {
  type AutoencoderConfig,
  type AutoencoderFiles,
  autoencoderAt,
  describeAutoencoder,
  loadAutoencoder,
  type OpenDecoder,
  openDecoder,
  readAutoencoder,
} from './node/autoencoder';
export {
  type AddedToBundle,
  type AddToBundleOptions,
  addToBundle,
  mergeIntoBundle,
  removeFromBundle,
  renameInBundle,
} from './node/bundle/change-bundle';
export { type ChangeWords, changeWords } from './node/bundle/change-words';
export { type ExportedPeft, type ExportPeftOptions, exportPeft, exportWords } from './node/bundle/export-peft';
export { modelBase } from './node/bundle/model-base';
export {
  type BundleCheck,
  type BundleList,
  checkBundle,
  type ListedGroup,
  listBundle,
} from './node/bundle/read-bundle';
export { type BundleFile, bundleFiles } from './node/bundle-files';
export {
  CHECKPOINT_FORMAT,
  type CheckpointContent,
  checksumOf,
  type LoadedCheckpoint,
  loadCheckpoint,
  loadNewestCheckpoint,
  type NewestCheckpoint,
  type StateFile,
} from './node/checkpoint';
export {
  type DenseDescription,
  denseFile,
  denseMetadata,
  denseParams,
  denseTensors,
  describeDense,
  readDenseTensors,
} from './node/dense-model';
export { isHubAddress } from './node/hub/address';
export { type ModelPathOptions, modelPath } from './node/hub/model-path';
export type { HubEnvironment } from './node/hub/settings';
export { type Artifact, DIFFUSERS_FILE, expectArtifact, expectTensorFile, identify } from './node/identify';
export {
  changedImages,
  checkSameImages,
  type EnlargedRecord,
  type ImageRecord,
  imageRecord,
} from './node/image-record';
export type { AutoencoderInspection } from './node/inspect/inspect-autoencoder';
export {
  type BundleInspection,
  type DenseRunInspection,
  type InspectedTensor,
  type Inspection,
  type InspectPathOptions,
  inspectPath,
  type KindRunInspection,
  type TensorsInspection,
} from './node/inspect/inspect-path';
export {
  inspectKindPreset,
  inspectPreset,
  type KindPresetInspection,
  type KindPresetOptions,
  type PresetInspection,
} from './node/inspect/inspect-preset';
export {
  assembledWords,
  type InspectionRows,
  inspectionRows,
  kindPresetRows,
  type LastMetrics,
  presetRows,
  type Rows,
} from './node/inspect/inspection-rows';
export {
  describeModel,
  type LoadedModel,
  loadModel,
  type ModelDescription,
  modelFolder,
  modelGroups,
} from './node/load-model';
export { type OpenPathOptions, openPipeline } from './node/open-pipeline';
export { type DescribeSourceOptions, describeSource, type PathSource } from './node/path-source';
export { PEFT_FILES, type PeftNote } from './node/peft-folder';
export { readConfigFile } from './node/read-config-file';
export {
  CONFIG_FILE,
  checkpointPath,
  checkpointSteps,
  type DenseRunModel,
  type DenseRunRecord,
  isRunFolder,
  type KindRunRecord,
  type RunChange,
  type RunRecord,
  readKindRecord,
  readRecordJson,
  readRunRecord,
} from './node/run-folder';
export { RUN_FORMAT } from './node/run-format';
export { type DenseLayout, type WriteDenseOptions, type WrittenDense, writeDense } from './node/write-dense';
export { classList } from './parse-names';
export { finiteNumber, wholeNumber } from './parse-number';
