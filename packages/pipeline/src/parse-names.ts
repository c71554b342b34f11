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

/**
 * Reads names of classes that people type, as {@link parseNames}. A colon in a name that is not of a JSON array is refused, because
 * it might be meant as a list of another kind.
 *
 * @param flag - begins the message.
 * @param single - what takes one name as it stands.
 */
export function classList(flag: string, single: string) {
  return (text: string): string[] => {
    const names = parseNames(text);
    if (names.length === 0) throw new ConfigError(`${flag}: expected at least one class, got none`, { argument: flag });
    const colon = text.trim().startsWith('[') ? undefined : names.find((name) => name.includes(':'));
    if (colon === undefined) return names;
    const shown = JSON.stringify(colon);
    throw new ConfigError(
      `${flag}: expected names without comma or colon, got ${shown}; give such a name by ${single}`,
      { argument: flag },
    );
  };
}
