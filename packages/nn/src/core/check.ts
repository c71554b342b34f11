/** Formats a value for a message. Text is in quotes, so that '0.1' does not look like a number. */
function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

/** Throws unless `value` is a number of at least `low`: at most `high`, or finite where there is no `high`. */
export function checkNumber(name: string, value: number, low: number, high?: number): void {
  if (
    typeof value === 'number' &&
    value >= low &&
    (high === undefined ? value < Number.POSITIVE_INFINITY : value <= high)
  )
    return;
  const range = high === undefined ? `a finite number of at least ${low}` : `a number in [${low}, ${high}]`;
  throw new Error(`${name}: expected ${range}, got ${shown(value)}`);
}

/** Throws unless `value` is a whole number of at least `low`. */
export function checkCount(name: string, value: number, low: number): void {
  if (!Number.isSafeInteger(value) || value < low) {
    throw new Error(`${name}: expected a whole number of at least ${low}, got ${shown(value)}`);
  }
}

/** Throws unless `value` is finite. */
export function checkFinite(name: string, value: number): void {
  if (!Number.isFinite(value)) throw new Error(`${name}: expected a finite number, got ${shown(value)}`);
}

/** Throws unless `value` is a function. */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new Error(`${name}: expected a function, got ${shown(value)}`);
}

/** Throws unless `value` is one of `known`. */
export function checkWord(name: string, value: unknown, known: readonly string[]): void {
  if (known.includes(value as string)) return;
  throw new Error(`${name}: expected one of ${known.join(', ')}, got ${shown(value)}`);
}

/**
 * Throws unless `options` is an object whose fields are all in `known`. Without types a misspelt option would be
 * ignored.
 */
export function checkOptions(options: object, known: readonly string[], what = 'options'): void {
  if (typeof options !== 'object' || options === null) {
    throw new Error(`${what}: expected an object, got ${shown(options)}`);
  }
  const odd = Object.keys(options).find((name) => !known.includes(name));
  if (odd !== undefined) throw new Error(`${what}: expected only ${known.join(', ')}, got '${odd}'`);
}
