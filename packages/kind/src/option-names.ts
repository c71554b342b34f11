/**
 * Throws unless `options` is an object whose fields are all in `known`. Without types a misspelt option would be
 * ignored.
 *
 * @param of - what the message begins with: the function's name, or the option that holds the fields.
 */
export function checkOptionNames(of: string, options: object, known: readonly string[]): void {
  const expected = `${known.slice(0, -1).join(', ')}${known.length > 1 ? ' or ' : ''}${known[known.length - 1]}`;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new Error(`${of}: expected an object of ${expected}, got ${Array.isArray(options) ? 'an array' : options}`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`${of}: expected ${expected}, got '${unknown}'`);
}

/** Throws unless `names` is left out or an array. */
export function checkNames(option: string, names: readonly string[] | undefined): void {
  if (names !== undefined && !Array.isArray(names)) {
    throw new Error(`${option}: expected an array of names, got ${JSON.stringify(names)}`);
  }
}

/** Throws unless `value` is left out, true or false. */
export function checkFlag(option: string, value: boolean | undefined): void {
  if (value !== undefined && typeof value !== 'boolean') {
    throw new Error(`${option}: expected true or false, got ${JSON.stringify(value)}`);
  }
}
