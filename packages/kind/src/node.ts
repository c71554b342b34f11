export { BundleError } from './bundle/bundle-error';
export { loadBundle, readBundleManifest, type SaveBundleOptions, saveBundle } from './bundle/folder';
export type {
  BundleMetadata,
  BundleModel,
  NetworkBundleModel,
  OpenBundleOptions,
  OpenNetworkBundleOptions,
} from './bundle/open';
