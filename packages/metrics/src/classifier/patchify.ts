import type { ImageBatch } from '../types';
import { type ClassifierConfig, classifierSizes } from './config';

/**
 * Cuts uint8 images into overlapping windows on the host, since no gradient is needed. A strided convolution is then
 * one matrix product. Pixels become x / 127.5 - 1; outside the image the value is 0.
 *
 * @returns float32 [count, tokens, window * window * channels]; the four tokens of each 2 x 2 square of the grid are
 *   adjacent, so that merging them is a reshape.
 */
export function patchify({ data, count, height, width, channels }: ImageBatch, config: ClassifierConfig): Float32Array {
  const { gridHeight, gridWidth, tokens, patch } = classifierSizes(config);
  const { stride, window } = config;
  const out = new Float32Array(count * tokens * patch);
  // The image is centred on the grid, and each window on its cell.
  const top = Math.floor((gridHeight * stride - height) / 2) + (window - stride) / 2;
  const left = Math.floor((gridWidth * stride - width) / 2) + (window - stride) / 2;
  for (let token = 0; token < tokens; token++) {
    const square = token >> 2;
    const gy = 2 * Math.floor(square / (gridWidth / 2)) + ((token >> 1) & 1);
    const gx = 2 * (square % (gridWidth / 2)) + (token & 1);
    const [y0, x0] = [gy * stride - top, gx * stride - left];
    const from = Math.max(0, -x0);
    const to = Math.min(window, width - x0);
    for (let y = Math.max(0, -y0); y < Math.min(window, height - y0); y++) {
      for (let n = 0; n < count; n++) {
        let source = ((n * height + y0 + y) * width + x0 + from) * channels;
        let target = (n * tokens + token) * patch + (y * window + from) * channels;
        for (let i = from * channels; i < to * channels; i++) out[target++] = data[source++] / 127.5 - 1;
      }
    }
  }
  return out;
}
