import { readFile } from 'node:fs/promises';
import { isObject, type Json } from '../config/load';
import { withCurrentNames } from '../config/renamed-fields';
import { ConfigError } from '../errors';

/** The largest config file that is read, in bytes. */
const MAX_CONFIG_BYTES = 1 << 20;

/**
 * Reads a JSON configuration file without adding defaults. Fields of older versions get their current names; `$schema`, by
 * which editors check the file, is left out.
 *
 * @throws ConfigError for a file that is missing, too large or not a JSON object
 */
export async function readConfigFile(path: string): Promise<Json> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new ConfigError(`${path}: cannot be read`, { cause: error });
  }
  if (bytes.length > MAX_CONFIG_BYTES)
    throw new ConfigError(`${path}: ${bytes.length} bytes is too large for a config`);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new ConfigError(`${path}: not valid JSON`, { cause: error });
  }
  if (!isObject(value)) throw new ConfigError(`${path}: expected a JSON object`);
  const { $schema, ...config } = value;
  if ($schema !== undefined && typeof $schema !== 'string') {
    throw new ConfigError(`${path}: $schema: expected the place of a JSON schema, got ${JSON.stringify($schema)}`);
  }
  return withCurrentNames(config, path);
}
