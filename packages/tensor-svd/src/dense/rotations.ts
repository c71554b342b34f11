/**
 * Plane rotations of neighbouring columns, in the order in which they are to be applied. A QR iteration on a small
 * (bi- or tridiagonal) matrix only records them; the large matrix of vectors then takes many sweeps at once, one row
 * at a time, while the row stays in the cache.
 */
export interface RotationQueue {
  /** Adds (x_j, x_{j+1}) <- (c x_j + s x_{j+1}, c x_{j+1} - s x_j). Call it with j rising by 1 within a sweep. */
  push(j: number, c: number, s: number): void;
  /** Marks the end of a sweep, and applies what was recorded when the queue is full. */
  endSweep(): void;
  /** Applies all that was recorded. */
  flush(): void;
}

interface Sweep {
  readonly first: number;
  readonly begin: number;
  readonly end: number;
}

/**
 * Makes a queue that acts on the columns of `vectors`, row-major [rows, cols], in place. Where `vectors` is undefined
 * it does nothing.
 */
export function createRotationQueue(vectors: Float64Array | undefined, rows: number, cols: number): RotationQueue {
  if (vectors === undefined) return { push() {}, endSweep() {}, flush() {} };
  // About 256 KiB of rotations: they are read once per four rows of vectors.
  const capacity = 16384;
  // A sweep has fewer than `cols` rotations, so the last one before a flush still fits.
  const turns = new Float64Array(2 * (capacity + cols));
  let sweeps: Sweep[] = [];
  let used = 0;
  let begin = 0;
  let first = -1;
  const flush = () => {
    applySweeps(vectors, rows, cols, turns, sweeps);
    sweeps = [];
    used = 0;
    begin = 0;
  };
  return {
    push(j, c, s) {
      if (first < 0) first = j;
      turns[used++] = c;
      turns[used++] = s;
    },
    endSweep() {
      if (first >= 0) sweeps.push({ first, begin, end: used });
      first = -1;
      begin = used;
      if (used >= 2 * capacity) flush();
    },
    flush,
  };
}

function applySweeps(x: Float64Array, rows: number, cols: number, turns: Float64Array, sweeps: readonly Sweep[]): void {
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    for (const { first, begin, end } of sweeps) rotateFourRows(x, row * cols + first, cols, turns, begin, end);
  }
  for (; row < rows; row++) {
    for (const { first, begin, end } of sweeps) rotateRow(x, row * cols + first, turns, begin, end);
  }
}

function rotateRow(x: Float64Array, from: number, turns: Float64Array, begin: number, end: number): void {
  let at = from;
  let left = x[at];
  for (let i = begin; i < end; i += 2, at++) {
    const c = turns[i];
    const s = turns[i + 1];
    const right = x[at + 1];
    x[at] = c * left + s * right;
    left = c * right - s * left;
  }
  x[at] = left;
}

/** {@link rotateRow} on four rows at once: four independent chains hide the latency of each. */
function rotateFourRows(
  x: Float64Array,
  from: number,
  cols: number,
  turns: Float64Array,
  begin: number,
  end: number,
): void {
  let at0 = from;
  let at1 = from + cols;
  let at2 = at1 + cols;
  let at3 = at2 + cols;
  let left0 = x[at0];
  let left1 = x[at1];
  let left2 = x[at2];
  let left3 = x[at3];
  for (let i = begin; i < end; i += 2) {
    const c = turns[i];
    const s = turns[i + 1];
    const right0 = x[at0 + 1];
    const right1 = x[at1 + 1];
    const right2 = x[at2 + 1];
    const right3 = x[at3 + 1];
    x[at0++] = c * left0 + s * right0;
    x[at1++] = c * left1 + s * right1;
    x[at2++] = c * left2 + s * right2;
    x[at3++] = c * left3 + s * right3;
    left0 = c * right0 - s * left0;
    left1 = c * right1 - s * left1;
    left2 = c * right2 - s * left2;
    left3 = c * right3 - s * left3;
  }
  x[at0] = left0;
  x[at1] = left1;
  x[at2] = left2;
  x[at3] = left3;
}
