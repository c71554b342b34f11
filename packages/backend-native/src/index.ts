export { addonFileFault } from './addon-file';
export { NativeBackend, type NativeMemoryInfo, type Precision } from './backend';
export type { PoolStatistics } from './buffer-pool';
export { type HostEigen, type HostMatrix, type HostQr, type HostSvd, type NativeLinalg, nativeLinalg } from './linalg';
export { loadNative, type NativeAddon, NativeUnavailableError, platformName } from './native';
export { setNativePrecision } from './precision';
export { NATIVE, registerNativeBackend } from './register';
