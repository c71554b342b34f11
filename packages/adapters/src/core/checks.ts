import { type ClassGroup, classPlaces, validateGroups } from '@learngene/nn';

/** Throws unless `value` is an integer from 1 to `most`. */
export function checkCount(name: string, value: unknown, most = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? 'a positive integer' : `an integer from 1 to ${most}`;
    throw new Error(`${name}: expected ${range}, got ${shown(value)}`);
  }
}

/** Throws unless `value` is a finite number above 0. */
export function checkPositive(name: string, value: unknown): void {
  if (!(typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY)) {
    throw new Error(`${name}: expected a positive number, got ${shown(value)}`);
  }
}

/** Throws unless `value` is one of `allowed`. */
export function checkOneOf(name: string, value: unknown, allowed: readonly (string | boolean)[]): void {
  if (!allowed.includes(value as string)) {
    throw new Error(`${name}: expected ${allowed.map(shown).join(' or ')}, got ${shown(value)}`);
  }
}

/** Throws on a field of `object` that is not in `fields`. */
export function checkFields(name: string, object: object, fields: readonly string[]): void {
  for (const field of Object.keys(object)) {
    if (!fields.includes(field)) throw new Error(`${name}: expected only ${fields.join(', ')}, got ${shown(field)}`);
  }
}

/** Formats any value for a message, shortened. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/**
 * Checks the groups of a model: well formed, names without a dot, and the classes 0 to n - 1, each once.
 *
 * @returns n.
 * @throws Error that names what is wrong.
 */
export function checkGroups(groups: readonly ClassGroup[]): number {
  if (!Array.isArray(groups) || groups.length === 0) {
    throw new Error(`groups: expected at least one group, got ${shown(groups)}`);
  }
  validateGroups(groups);
  for (const [index, { name }] of groups.entries()) {
    if (!name.includes('.')) continue;
    throw new Error(`groups[${index}].name: expected 1 to 200 characters without a dot, got ${shown(name)}`);
  }
  const places = classPlaces(groups);
  for (let id = 0; id < places.size; id++) {
    if (!places.has(id)) throw new Error(`groups: expected classes 0 to ${places.size - 1}, each once, got no ${id}`);
  }
  return places.size;
}
