/**
 * Throws unless `options` is an object whose fields are all in `known`. Without types a misspelt option would be
 * ignored.
 */
export function checkOptions(options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new RangeError(`options: expected an object, got ${Array.isArray(options) ? 'an array' : String(options)}`);
  }
  const odd = Object.keys(options).find((name) => !known.includes(name));
  if (odd !== undefined) throw new RangeError(`options: expected only ${known.join(', ')}, got '${odd}'`);
}
