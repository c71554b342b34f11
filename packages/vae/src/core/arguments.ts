/** What came, as it may stand in a message: text in quotes, an object by the name of its class. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 80)}'`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `an object (${value.constructor?.name ?? 'without a class'})`;
}

/** Throws unless `value` is an object that is no list; returns it. */
export function checkObject(name: string, value: object): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${name}: expected an object, got ${shown(value)}`);
  }
}

/** Throws unless `options` is an object whose fields are all in `known`: a misspelt one would be passed over in silence. */
export function checkOptions(options: object, known: readonly string[]): void {
  checkObject('options', options);
  const odd = Object.keys(options).find((name) => !known.includes(name));
  if (odd !== undefined) throw new Error(`options: expected only ${known.join(', ')}, got '${odd}'`);
}

/** Throws unless `tensors` can be read as a Map by name. */
export function checkTensors(tensors: ReadonlyMap<string, unknown>): void {
  if (typeof tensors?.get === 'function' && typeof tensors.keys === 'function') return;
  throw new Error(`tensors: expected a Map of tensors by name, got ${shown(tensors)}`);
}
