import { ConfigError } from '../errors';
import { nearestWord } from '../nearest-word';

/**
 * Throws on unknown options. Without types a misspelt option would be ignored.
 *
 * @param of - name of the function, with which the message begins
 * @throws ConfigError that names the option and a known one that is near, or all
 */
export function checkOptionNames(of: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigError(`${of}: expected an object of options, got ${JSON.stringify(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const nearest = nearestWord(unknown, known);
  const hint = nearest === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${nearest}?`;
  throw new ConfigError(`${of}: unknown option ${unknown}; ${hint}`);
}

/** Throws unless `value` is a whole number of at least `least`. */
export function checkWhole(option: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new ConfigError(
    `${option}: expected a whole number of at least ${least}, got ${typeof value === 'number' ? value : JSON.stringify(value)}`,
  );
}

/** Throws unless `names` is an array of names. */
export function checkNames(option: string, names: readonly string[]): void {
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return;
  throw new ConfigError(`${option}: expected an array of names, got ${JSON.stringify(names)}`);
}

/** Throws unless `value` is a function. */
export function checkFunction(option: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return;
  throw new ConfigError(`${option}: expected a function, got ${JSON.stringify(value)}`);
}
