import { ConfigError } from '../errors';

type Json = Record<string, unknown>;

/** Fields of a configuration by the name that older versions gave them, with the name of today. */
const renamed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  training: { factorRate: 'factorLearningRateScale' },
};

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A configuration with the fields named as today; config files, run records (format 1) and recipes of older versions go
 * through here.
 *
 * @param source - named in the error, e.g. the file
 * @throws ConfigError where a field is given under both names
 */
export function withCurrentNames<T>(value: T, source: string): T {
  if (!isObject(value)) return value;
  const sections = Object.entries(renamed).flatMap(([section, names]) => {
    const fields = Object.hasOwn(value, section) ? value[section] : undefined;
    if (!isObject(fields)) return [];
    const entries = Object.entries(fields).map(([name, field]) => {
      const today = Object.hasOwn(names, name) ? names[name] : undefined;
      if (today !== undefined && Object.hasOwn(fields, today)) {
        throw new ConfigError(`${source}: ${section}.${name} is the old name of ${section}.${today}; give one of them`);
      }
      return [today ?? name, field];
    });
    return [[section, Object.fromEntries(entries)]];
  });
  return { ...value, ...Object.fromEntries(sections) };
}
