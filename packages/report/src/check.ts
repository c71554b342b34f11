/** A value as an error message shows it. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (ArrayBuffer.isView(value)) return value.constructor.name;
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** Throws unless `value` is an object whose fields are all in `known`: without types a misspelt one would be ignored. */
export function checkFields(name: string, value: object, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw new RangeError(`${name}: expected an object of ${known.join(', ')}, got ${shown(value)}`);
  }
  const odd = Object.keys(value).find((field) => !known.includes(field));
  if (odd !== undefined) throw new RangeError(`${name}: expected only ${known.join(', ')}, got '${odd}'`);
}

/** Throws unless `value` is an array, of at least `least` elements. */
export function checkArray(name: string, value: readonly unknown[], least = 0): void {
  if (Array.isArray(value) && value.length >= least) return;
  throw new RangeError(`${name}: expected an array${least > 0 ? ` of at least ${least}` : ''}, got ${shown(value)}`);
}

/** Throws unless `value` is a string. */
export function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string') throw new RangeError(`${name}: expected a string, got ${shown(value)}`);
}

/** Throws unless `value` is a finite number, above zero where it must be. */
export function checkFinite(name: string, value: unknown, { positive = false } = {}): void {
  if (Number.isFinite(value) && (!positive || (value as number) > 0)) return;
  throw new RangeError(`${name}: expected a finite number${positive ? ' above 0' : ''}, got ${shown(value)}`);
}

/** Throws unless `value` is one of `words`, or left out. */
export function checkWord(name: string, value: unknown, words: readonly unknown[]): void {
  if (value === undefined || words.includes(value)) return;
  throw new RangeError(`${name}: expected ${words.join(' or ')}, got ${shown(value)}`);
}

/** Throws unless `value` is bytes. */
export function checkBytes(name: string, value: unknown): void {
  if (!(value instanceof Uint8Array)) throw new RangeError(`${name}: expected a Uint8Array, got ${shown(value)}`);
}
