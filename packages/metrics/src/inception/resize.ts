import { checkImages } from '../check';
import type { InceptionResize } from '../protocols';
import type { ImageBatch } from '../types';
import { INCEPTION_SIZE } from './architecture';
import { bicubicTaps, type Taps } from './bicubic';

const { fround } = Math;
const SIDE = INCEPTION_SIZE;

/** Two neighbours and the weight of the second for every output pixel of an axis; taps of the bicubic filter else. */
interface Pairs {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weight: Float32Array;
}

/** TensorFlow 1: `in = out * scale` in float32. */
function tensorflowPairs(size: number): Pairs {
  const scale = fround(size / SIDE);
  return pairs(size, (i) => fround(i * scale));
}

/** Half-pixel centres in float32, not below 0. */
function torchPairs(size: number): Pairs {
  const scale = fround(size / SIDE);
  return pairs(size, (i) => Math.max(0, fround(fround(scale * fround(i + 0.5)) - 0.5)));
}

function pairs(size: number, position: (i: number) => number): Pairs {
  const [low, high, weight] = [new Int32Array(SIDE), new Int32Array(SIDE), new Float32Array(SIDE)];
  for (let i = 0; i < SIDE; i++) {
    const at = position(i);
    low[i] = Math.min(size - 1, Math.trunc(at));
    high[i] = Math.min(size - 1, low[i] + 1);
    weight[i] = at - low[i];
  }
  return { low, high, weight };
}

/** First along the rows, then along the columns: a + (b - a) w in float32, each step rounded. */
function bilinear(x: Float32Array, [rows, columns]: readonly [Pairs, Pairs], sizes: Sizes, y: Float32Array): void {
  const { height, width, channels } = sizes;
  const line = SIDE * channels;
  const wide = new Float32Array(height * line);
  for (let r = 0, at = 0; r < height; r++) {
    for (let i = 0; i < SIDE; i++) {
      const low = (r * width + columns.low[i]) * channels;
      const high = (r * width + columns.high[i]) * channels;
      const weight = columns.weight[i];
      for (let c = 0; c < channels; c++) {
        const first = x[low + c];
        wide[at++] = first + fround(fround(x[high + c] - first) * weight);
      }
    }
  }
  for (let i = 0, at = 0; i < SIDE; i++) {
    const [low, high, weight] = [rows.low[i] * line, rows.high[i] * line, rows.weight[i]];
    for (let j = 0; j < line; j++) {
      const first = wide[low + j];
      y[at++] = first + fround(fround(wide[high + j] - first) * weight);
    }
  }
}

/** Sums in float64, each axis rounded to float32; an axis that keeps its size is not filtered; clipped to [0, 255]. */
function bicubic(x: Float32Array, [rows, columns]: readonly [Taps, Taps], sizes: Sizes, y: Float32Array): void {
  const { height, width, channels } = sizes;
  const line = SIDE * channels;
  const wide = width === SIDE ? x : new Float32Array(height * line);
  for (let r = 0, at = 0; width !== SIDE && r < height; r++) {
    for (let i = 0; i < SIDE; i++) {
      const start = (r * width + columns.first[i]) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < columns.count[i]; k++) {
          sum += x[start + k * channels + c] * columns.weights[i * columns.stride + k];
        }
        wide[at++] = sum;
      }
    }
  }
  if (height === SIDE) y.set(wide);
  const sums = new Float64Array(line);
  for (let i = 0; height !== SIDE && i < SIDE; i++) {
    sums.fill(0);
    for (let k = 0, from = rows.first[i] * line; k < rows.count[i]; k++) {
      const weight = rows.weights[i * rows.stride + k];
      for (let j = 0; j < line; j++) sums[j] += wide[from++] * weight;
    }
    y.set(sums, i * line);
  }
  for (let i = 0; i < y.length; i++) y[i] = Math.min(255, Math.max(0, y[i]));
}

type Sizes = Pick<ImageBatch, 'height' | 'width' | 'channels'>;

/**
 * Images as Inception's input, float32 [N, 299, 299, 3] in [-1, 1): resized, then (x - 128) / 128; for `'torch'` x / 255,
 * resized, then 2 x - 1. Computed on the host, so that every engine gets the same bits.
 *
 * @throws RangeError for other than 3 channels or sizes that do not fit.
 */
export function inceptionInput(images: ImageBatch, resize: InceptionResize): Float32Array {
  checkImages('images', images);
  const { data, count, height, width, channels } = images;
  if (channels !== 3) throw new RangeError(`images: expected 3 channels (RGB), got ${channels}`);
  const size = height * width * channels;
  const out = new Float32Array(count * SIDE * SIDE * channels);
  const one = imageResizer(resize, { height, width, channels });
  for (let n = 0; n < count; n++) {
    const y = out.subarray(n * SIDE * SIDE * channels, (n + 1) * SIDE * SIDE * channels);
    const x = Float32Array.from(data.subarray(n * size, (n + 1) * size));
    if (resize === 'torch') for (let i = 0; i < size; i++) x[i] /= 255;
    one(x, y);
    for (let i = 0; i < y.length; i++) y[i] = resize === 'torch' ? 2 * y[i] - 1 : fround(y[i] - 128) / 128;
  }
  return out;
}

function imageResizer(resize: InceptionResize, sizes: Sizes): (x: Float32Array, y: Float32Array) => void {
  const { height, width } = sizes;
  switch (resize) {
    case 'tensorflow': {
      const axes = [tensorflowPairs(height), tensorflowPairs(width)] as const;
      return (x, y) => bilinear(x, axes, sizes, y);
    }
    case 'torch': {
      const axes = [torchPairs(height), torchPairs(width)] as const;
      return (x, y) => bilinear(x, axes, sizes, y);
    }
    case 'pillow': {
      const axes = [bicubicTaps(height, SIDE), bicubicTaps(width, SIDE)] as const;
      return (x, y) => bicubic(x, axes, sizes, y);
    }
    default:
      throw new RangeError(`resize: expected 'tensorflow', 'torch' or 'pillow', got ${JSON.stringify(resize)}`);
  }
}
