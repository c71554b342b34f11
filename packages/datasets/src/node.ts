export { type CifarFolderOptions, cifar } from './node-cifar';
export {
  type Color,
  type DecodeOptions,
  decodeImageFile,
  type ReadImageOptions,
  readImageFile,
} from './node-decode';
export { type DatasetKind, type DetectedDataset, detectDataset } from './node-detect';
export { type EmojiDataset, type EmojiOptions, type EmojiStyle, emojiDataset } from './node-emoji';
export { type FileDataset, type FilesOptions, imageFiles, type LabelledFiles } from './node-files';
export { FASHION_MNIST_CLASSES, type IdxOptions, idx, type Part } from './node-idx';
export {
  type IgnoredEntry,
  type ImageFolderDataset,
  type ImageFolderOptions,
  imageFolder,
  imageList,
} from './node-image-folder';
export {
  drawPretraining,
  imageNetNames,
  SHIPPED_SUPERCLASSES,
  type Superclasses,
  shippedSuperclasses,
  wordNetSuperclasses,
} from './node-imagenet';
export { packed } from './node-packed';
export { isShardPattern, type ShardOptions, tarShards } from './node-shards';
