export { BundleError } from './bundle/bundle-error';
export { loadBundle, readBundleManifest, type SaveBundleOptions, saveBundle } from './bundle/folder';
export type { BundleModel, OpenBundleOptions } from './bundle/open';
