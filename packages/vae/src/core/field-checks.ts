import { checkObject } from './arguments';

/** The largest count of a configuration: far above any autoencoder. */
export const MAX_CHANNELS = 2 ** 14;

/** Throws unless `holds`, naming the field. */
export function expectField(holds: boolean, name: string, expected: string, got: unknown): void {
  if (!holds) throw new Error(`${name}: expected ${expected}, got ${typeof got === 'string' ? `'${got}'` : got}`);
}

/** Throws unless `config` has exactly the fields of `template`. */
export function checkFields<T extends object>(config: T, template: T): void {
  checkObject('config', config);
  const known = Object.keys(template);
  for (const name of Object.keys(config)) {
    if (!known.includes(name)) throw new Error(`config: expected only ${known.join(', ')}, got '${name}'`);
  }
  for (const name of known) {
    expectField(config[name as keyof T] !== undefined, name, 'a value', undefined);
  }
}

/** Throws unless the named fields are whole numbers of at least 1 and at most {@link MAX_CHANNELS}. */
export function checkCounts<T extends object>(config: T, names: readonly (keyof T & string)[]): void {
  for (const name of names) {
    const value = config[name] as number;
    expectField(Number.isSafeInteger(value) && value >= 1, name, 'a positive whole number', value);
    expectField(value <= MAX_CHANNELS, name, `at most ${MAX_CHANNELS}`, value);
  }
}

/** Throws unless the named fields are finite numbers. */
export function checkNumbers<T extends object>(config: T, names: readonly (keyof T & string)[]): void {
  for (const name of names) expectField(Number.isFinite(config[name]), name, 'a finite number', config[name]);
}

/** Drops fields that are present but undefined, so that they do not hide a default. */
export function defined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
