export { NativeBackend, type NativeMemoryInfo } from './backend';
export type { PoolStatistics } from './buffer-pool';
export { loadNative, type NativeAddon, NativeUnavailableError, platformName } from './native';
export { NATIVE, registerNativeBackend } from './register';
