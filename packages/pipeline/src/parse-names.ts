import { ConfigError } from './errors';

/**
 * Names separated by commas, or a JSON array of names, for names that hold commas.
 *
 * @throws ConfigError for an array that is no JSON, or holds anything but names
 */
export function parseNames(text: string): string[] {
  if (!text.trim().startsWith('[')) {
    const parts = text.split(',').map((part) => part.trim());
    return parts.filter((part) => part !== '');
  }
  let names: unknown;
  try {
    names = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`expected names separated by commas or a JSON array, got ${text}`, { cause });
  }
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  throw new ConfigError(`expected a JSON array of names, got ${text}`);
}
