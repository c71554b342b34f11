/** For every output pixel of an axis: the first input pixel, their number, and their weights, of sum 1. */
export interface Taps {
  /** [out]. */
  readonly first: Int32Array;
  /** [out]. */
  readonly count: Int32Array;
  /** [out, stride]. */
  readonly weights: Float64Array;
  /** Weights of one output pixel, used or not. */
  readonly stride: number;
}

/** Keys 1981 with a = -1/2. */
function cubic(x: number): number {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

/** The taps of Pillow's bicubic filter, in float64; it is widened where the image shrinks. */
export function bicubicTaps(from: number, to: number): Taps {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const support = 2 * stretch;
  const stride = Math.ceil(support) * 2 + 1;
  const [first, count] = [new Int32Array(to), new Int32Array(to)];
  const weights = new Float64Array(to * stride);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale;
    first[i] = Math.max(0, Math.trunc(center - support + 0.5));
    count[i] = Math.min(from, Math.trunc(center + support + 0.5)) - first[i];
    const row = weights.subarray(i * stride, i * stride + count[i]);
    row.forEach((_, k) => {
      row[k] = cubic((first[i] + k - center + 0.5) / stretch);
    });
    const sum = row.reduce((total, weight) => total + weight, 0);
    row.forEach((weight, k) => {
      row[k] = weight / sum;
    });
  }
  return { first, count, weights, stride };
}
