import { asBundleError } from './bundle-error';
import { MANIFEST_FILE } from './file-names';
import { sha256 } from './sha256';

/**
 * The checksum of a kind.json: SHA-256 over all that it says but for the checksum itself. Spaces and the order of fields play no
 * part.
 *
 * @param content - the parsed file, with or without its `checksum`.
 */
export async function manifestChecksum(content: object): Promise<string> {
  const { checksum: _, ...rest } = content as Record<string, unknown>;
  const text = asBundleError(MANIFEST_FILE, () => canonicalJson(rest));
  return sha256(new TextEncoder().encode(text));
}

/** The JSON of a value with the fields of every object in the order of their names. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join()}}`;
}
