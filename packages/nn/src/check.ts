/** Throws unless `value` is a number of at least `low`: at most `high`, or finite where there is no `high`. */
export function checkNumber(name: string, value: number, low: number, high?: number): void {
  if (value >= low && (high === undefined ? value < Number.POSITIVE_INFINITY : value <= high)) return;
  const range = high === undefined ? `a finite number of at least ${low}` : `a number in [${low}, ${high}]`;
  throw new Error(`${name}: expected ${range}, got ${value}`);
}

/** Throws unless `value` is a whole number of at least `low`. */
export function checkCount(name: string, value: number, low: number): void {
  if (!Number.isSafeInteger(value) || value < low) {
    throw new Error(`${name}: expected a whole number of at least ${low}, got ${value}`);
  }
}

/** Throws unless `value` is finite. */
export function checkFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) throw new Error(`${name}: expected a finite number, got ${value}`);
}
