export { BundleError } from './bundle/bundle-error';
export { loadBundle, type SaveBundleOptions, saveBundle } from './bundle/folder';
export type { BundleModel, OpenBundleOptions } from './bundle/open';
