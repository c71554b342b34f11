/** Throws unless a value of a JSON file is an object without the key '__proto__'. */
export function record(at: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${at}: expected an object, got ${shown(value)}`);
  }
  if (Object.hasOwn(value, '__proto__')) throw new Error(`${at}: '__proto__' is not allowed`);
  return value as Record<string, unknown>;
}

/** Throws on a key that is not in `keys`. */
export function onlyKeys(at: string, value: object, keys: readonly string[]): void {
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) throw new Error(`${at}: expected only ${keys.join(', ')}, got ${shown(key)}`);
  }
}

/** A value for a message. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return `${value.length} entries`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value);
}
