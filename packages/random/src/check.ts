/** Throws unless `value` is an integer in [low, high]. */
export function checkInteger(name: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new RangeError(`${name}: expected an integer from ${low} to ${high}, got ${value}`);
  }
}

/** Throws unless `value` is a number that float32 can hold. */
export function checkFinite(name: string, value: number): void {
  if (!Number.isFinite(Math.fround(value))) {
    throw new RangeError(`${name}: expected a finite number in float32, got ${value}`);
  }
}

/** Throws unless `size` can be the length of an array that is drawn. */
export function checkSize(size: number): void {
  checkInteger('size', size, 0, 2 ** 31 - 1);
}
