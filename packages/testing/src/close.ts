import type { Tensor } from '@tensorflow/tfjs-core';

type Numbers = Tensor | ArrayLike<number> | number;

/** Tolerances of {@link expectClose}: passes when |a - e| <= atol + rtol * |e| for every element. */
export interface CloseOptions {
  /** Relative tolerance (default 1e-5). */
  rtol?: number;
  /** Absolute tolerance (default 1e-6). */
  atol?: number;
}

function toArray(values: Numbers): ArrayLike<number> {
  if (typeof values === 'number') return [values];
  if ('dataSync' in values) return values.dataSync();
  return values;
}

/** Asserts that two tensors or arrays are equal element by element within tolerance; NaN equals nothing. */
export function expectClose(actual: Numbers, expected: Numbers, { rtol = 1e-5, atol = 1e-6 }: CloseOptions = {}): void {
  const a = toArray(actual);
  const e = toArray(expected);
  if (a.length !== e.length) throw new Error(`expected ${e.length} values, got ${a.length}`);
  let worst = -1;
  let excess = 0;
  for (let i = 0; i < e.length; i++) {
    const over = Math.abs(a[i] - e[i]) - (atol + rtol * Math.abs(e[i]));
    if (!(over <= 0) && !(a[i] === e[i]) && !(over <= excess)) {
      worst = i;
      excess = Number.isNaN(over) ? Number.POSITIVE_INFINITY : over;
    }
  }
  if (worst >= 0) {
    throw new Error(`values differ: [${worst}] got ${a[worst]}, expected ${e[worst]} (rtol ${rtol}, atol ${atol})`);
  }
}

/** ‖a - e‖₂ / ‖e‖₂ over all elements. */
export function relativeError(actual: Numbers, expected: Numbers): number {
  const a = toArray(actual);
  const e = toArray(expected);
  if (a.length !== e.length) throw new Error(`expected ${e.length} values, got ${a.length}`);
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < e.length; i++) {
    difference += (a[i] - e[i]) ** 2;
    norm += e[i] ** 2;
  }
  return norm === 0 ? Math.sqrt(difference) : Math.sqrt(difference / norm);
}
