export { type FileContent, writeFileAtomic } from './node/atomic-file';
export { type FolderOptions, writeFolderAtomic } from './node/atomic-folder';
export { type ConvertedTensors, type ConvertTensorsOptions, convertTensors } from './node/convert-tensors';
export { fileSource } from './node/file-source';
export { FolderLockedError, lockFolder, lockMarker } from './node/folder-lock';
export { type ArrayRows, type NpzArraySpec, writeNpzArray } from './node/npz-array-writer';
export { readNpz, writeNpz } from './node/npz-files';
export { type RenameSystem, renameOver } from './node/rename-over';
export {
  openSafetensorsFile,
  type ReadSafetensorsOptions,
  readSafetensors,
  type WriteSafetensorsOptions,
  writeSafetensors,
} from './node/safetensors-files';
export { sha256File } from './node/sha256-file';
export {
  isTorchPath,
  openTensorFile,
  openTorchFile,
  type ReadTensorsOptions,
  readTensors,
  weightsAt,
} from './node/tensor-files';
export { TensorFileError } from './tensor-file-error';
