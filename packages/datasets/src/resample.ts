import { checkInteger } from './check';

/** A decoded image: uint8 [height, width, channels]. */
export interface RawImage {
  /** The pixels, row by row, channels together. */
  readonly data: Uint8Array;
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
  /** Channels of a pixel. */
  readonly channels: number;
}

/** A resampling filter of Pillow: its half width, and its weight at a distance. */
export interface ResampleFilter {
  /** Half width in output pixels. */
  readonly support: number;
  /** The weight at distance x. */
  weight(x: number): number;
}

/** The mean of the pixels that an output pixel covers. */
export const BOX: ResampleFilter = { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };

/** Keys 1981 with a = -1/2 (Catmull and Rom). */
export const BICUBIC: ResampleFilter = {
  support: 2,
  weight(x) {
    const d = Math.abs(x);
    if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
    return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
  },
};

/**
 * For every output pixel of one axis: the first input pixel, the number of input pixels, and their weights in fixed
 * point.
 */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
  readonly stride: number;
}

const PRECISION = 22;
const HALF = 2 ** (PRECISION - 1);

/**
 * Resizes an image as Pillow does, bit for bit: first rows, then columns, each rounded to 8 bits, with weights in fixed
 * point. The filter is widened where the image shrinks. An axis that keeps its size is not filtered.
 *
 * @returns a new image, or `image` itself where both sizes are its own
 * @throws RangeError where a size is no whole number above 0
 */
export function resample(image: RawImage, width: number, height: number, filter: ResampleFilter): RawImage {
  checkInteger('width', width, 1);
  checkInteger('height', height, 1);
  const wide = width === image.width ? image : resampleRows(image, taps(image.width, width, filter), width);
  return height === image.height ? wide : resampleColumns(wide, taps(image.height, height, filter), height);
}

function taps(from: number, to: number, filter: ResampleFilter): Taps {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const support = filter.support * stretch;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Int32Array(to * stride);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    first[i] = Math.max(0, Math.trunc(center - support + 0.5));
    count[i] = Math.min(from, Math.trunc(center + support + 0.5)) - first[i];
    const exact = Array.from({ length: count[i] }, (_, k) =>
      filter.weight((first[i] + k - center + 0.5) * (1 / stretch)),
    );
    const sum = exact.reduce((total, weight) => total + weight, 0);
    for (const [k, weight] of exact.entries()) {
      const scaled = (weight / sum) * 2 ** PRECISION;
      weights[i * stride + k] = Math.trunc(scaled + (scaled < 0 ? -0.5 : 0.5));
    }
  }
  return { first, count, weights, stride };
}

function resampleRows({ data, width, height, channels }: RawImage, axis: Taps, to: number): RawImage {
  const { first, count, weights, stride } = axis;
  const out = new Uint8ClampedArray(to * height * channels);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < to; x++) {
      const start = (y * width + first[x]) * channels;
      const end = start + count[x] * channels;
      for (let c = 0; c < channels; c++) {
        let sum = HALF;
        for (let from = start + c, w = x * stride; from < end; from += channels, w++) {
          sum = (sum + Math.imul(data[from], weights[w])) | 0;
        }
        out[at++] = sum >> PRECISION;
      }
    }
  }
  return { data: new Uint8Array(out.buffer), width: to, height, channels };
}

function resampleColumns({ data, width, channels }: RawImage, axis: Taps, to: number): RawImage {
  const { first, count, weights, stride } = axis;
  const row = width * channels;
  const out = new Uint8ClampedArray(to * row);
  const sums = new Int32Array(row);
  for (let y = 0, at = 0; y < to; y++) {
    sums.fill(HALF);
    for (let k = 0, from = first[y] * row; k < count[y]; k++) {
      const weight = weights[y * stride + k];
      for (let i = 0; i < row; i++) sums[i] += Math.imul(data[from++], weight);
    }
    for (let i = 0; i < row; i++) out[at++] = sums[i] >> PRECISION;
  }
  return { data: new Uint8Array(out.buffer), width, height: to, channels };
}
