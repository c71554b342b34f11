import type { backend_util } from '@tensorflow/tfjs-core';

/** The sizes of a window as the addon takes them; `filters` is the number of filters, or of filters a channel. */
export function windowSizes(info: backend_util.Conv2DInfo, filters: number): Int32Array {
  return Int32Array.of(
    info.batchSize,
    info.inHeight,
    info.inWidth,
    info.inChannels,
    info.outHeight,
    info.outWidth,
    info.filterHeight,
    info.filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.dilationHeight,
    info.dilationWidth,
    info.padInfo.top,
    info.padInfo.left,
    filters,
  );
}
