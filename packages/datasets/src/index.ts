export type { Cursor, Remainder } from './batch-plan';
export {
  type Batch,
  type Batches,
  type BatchOptions,
  type BatchState,
  createBatches,
  createLatentBatches,
  type LatentBatch,
  type LatentBatches,
} from './batches';
export { expandBraces } from './braces';
export { centerCrop } from './center-crop';
export { type CifarFile, type CifarOptions, cifarDataset } from './cifar';
export { classLabel, listNames, normalName, renameClasses } from './class-names';
export { concatDatasets } from './concat';
export { emojiCharacter, holdOutCharacters, isHeldOutCharacter } from './emoji-character';
export { DatasetFileError, type DatasetFileErrorOptions } from './errors';
export { flipHorizontal } from './flip';
export { type HeldOut, type HoldOutOptions, holdOut } from './hold-out';
export { decodeIdx, type IdxArray, type IdxFileNames, type IdxFiles, idxDataset } from './idx';
export { type InOrderOptions, readInOrder } from './in-order';
export {
  type CachedDataset,
  type CacheOptions,
  cacheDataset,
  type InMemoryImages,
  inMemoryDataset,
  type SkippedFile,
} from './memory';
export {
  type ClassGroup,
  type ClassRule,
  type ClassTable,
  groupClasses,
  type MergeOptions,
  mergeClasses,
} from './merge-classes';
export { type PackedOptions, packDataset, packedDataset } from './packed';
export { BICUBIC, BOX, type RawImage, type ResampleFilter, resample } from './resample';
export { type ClassReference, type ClassSplit, type SplitOptions, selectClasses, splitClasses } from './select-classes';
export { classCounts, type SubsetOptions, subset } from './subset';
export { type TarEntry, tarEntries } from './tar';
export type { EnlargedImage, ImageDataset, LatentRows, LatentViews, Progress, ReadOptions } from './types';
export { type IsAFacts, liftClasses, parseClassNames, parseClassTable } from './wordnet';
