import { ConfigError, nearestWord } from '@learngene/pipeline';
import { type ConfigKey, configJsonSchema, configKeyRows, configKeys, type JsonSchema } from '@learngene/pipeline/node';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import { vaeJsonSchema } from './vae-schema';

/** Whose configuration: that of models, or that of autoencoders. */
export const CONFIG_KINDS = ['train', 'vae'] as const;

/** One of {@link CONFIG_KINDS}. */
export type ConfigKind = (typeof CONFIG_KINDS)[number];

const schemaOf = (kind: ConfigKind): JsonSchema => (kind === 'train' ? configJsonSchema() : vaeJsonSchema());

/** The keys of a configuration, and the same as rows of a name and a text. */
export interface ConfigReference {
  /** The keys, each section before its own. */
  keys: ConfigKey[];
  /** Rows of a name and a text. */
  rows: [name: string, text: string][];
}

/**
 * What may stand in a configuration.
 *
 * @param key A key or a section (default: all).
 * @throws ConfigError for a key that there is not, with one that is near
 */
export function configReference(kind: ConfigKind, key?: string): ConfigReference {
  const all = configKeys(schemaOf(kind)).filter((entry) => entry.key !== '$schema');
  const keys = key === undefined ? all : all.filter((entry) => entry.key === key || entry.key.startsWith(`${key}.`));
  if (keys.length === 0) throw unknownKey(String(key), all);
  return { keys, rows: configKeyRows(keys) };
}

function unknownKey(key: string, all: readonly ConfigKey[]): ConfigError {
  const names = all.map((entry) => entry.key);
  const last = key.slice(key.lastIndexOf('.') + 1);
  const same = names.filter((name) => name.endsWith(`.${last}`));
  const near = same.length > 0 ? same : [nearestWord(key, names)].filter((name) => name !== undefined);
  const sections = all.filter(({ range }) => range === undefined).map((entry) => entry.key);
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `expected one of ${sections.join(', ')}`;
  return new ConfigError(`key: there is no ${key}; ${hint}`, { argument: 'key' });
}

/** Writes the JSON schema of a configuration, by which editors check and complete a file that names it by `$schema`. */
export async function writeConfigSchema(kind: ConfigKind, file: string): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(schemaOf(kind), null, 2)}\n`);
}
