export type { BundleChange, BundleChangeOptions } from './bundle/bundle-change';
export { BundleError } from './bundle/bundle-error';
export { changeBundle } from './bundle/change-bundle';
export type { FetchPiece } from './bundle/fetch-bundle';
export { loadBundle, readBundleManifest, type SaveBundleOptions, saveBundle } from './bundle/folder';
export { folderBundle } from './bundle/folder-files';
export type { BundleFile } from './bundle/manifest';
export type {
  BundleManifest,
  BundleMetadata,
  BundleModel,
  NetworkBundleModel,
  OpenBundleOptions,
  OpenNetworkBundleOptions,
} from './bundle/open';
