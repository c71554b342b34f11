export { addonFileFault } from './addon-file';
export { NATIVE, NativeBackend, type NativeMemoryInfo, type Precision } from './backend';
export type { PoolStatistics } from './buffer-pool';
export { registerNativeBackend } from './kernels/register';
export { type HostEigen, type HostMatrix, type HostQr, type HostSvd, type NativeLinalg, nativeLinalg } from './linalg';
export { loadNative, type NativeAddon, NativeUnavailableError, platformName } from './native';
export { setNativePrecision } from './precision';
