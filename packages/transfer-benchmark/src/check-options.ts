/** A value as a message shows it. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/**
 * Throws unless `options` is an object whose fields are all in `known`, with all that are in `needed`. Without types a misspelt
 * option would be ignored, and a missing one fail by a name of the inside.
 *
 * @throws RangeError that names the option
 */
export function checkOptions(options: object, known: readonly string[], needed: readonly string[] = []): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new RangeError(`options: expected an object, got ${shown(options)}`);
  }
  const odd = Object.keys(options).find((name) => !known.includes(name));
  if (odd !== undefined) throw new RangeError(`options: expected only ${known.join(', ')}, got '${odd}'`);
  const missing = needed.find((name) => (options as Record<string, unknown>)[name] == null);
  if (missing !== undefined) throw new RangeError(`options: expected ${missing}, got none`);
}

/** Throws unless an argument is a text that is not empty. */
export function checkText(argument: string, value: string): void {
  if (typeof value === 'string' && value !== '') return;
  throw new RangeError(`${argument}: expected a text, got ${value === '' ? 'an empty one' : shown(value)}`);
}

/** Throws unless an option is a whole number of at least 1. */
export function checkPositive(option: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new RangeError(`options: ${option}: expected a whole number of at least 1, got ${shown(value)}`);
}

/** Throws unless `jobs` are those of `resolveJobs`. */
export function checkJobs(jobs: ReadonlyMap<string, unknown>): void {
  if (!(jobs instanceof Map)) throw new RangeError(`jobs: expected those of resolveJobs, got ${shown(jobs)}`);
}

/** Throws unless `job` is one of those of `resolveJobs`. */
export function checkJob(job: { readonly kind: string; readonly key: string }): void {
  const { kind, key }: Partial<typeof job> = job ?? {};
  if (typeof kind === 'string' && typeof key === 'string') return;
  throw new RangeError(`job: expected one of resolveJobs, got ${shown(job)}`);
}
