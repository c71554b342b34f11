import { ditConfig, MAX_DIT_DEPTH, MAX_DIT_SIZE } from '@learngene/dit';
import { duplicateKey } from '@learngene/tensor-io';
import { validateKindConfig } from '../config';
import {
  type AnyKindConfig,
  isDitConfig,
  type KindConfig,
  type NetworkKindConfig,
  networkOf,
  SETTINGS_FIELDS,
} from '../config-types';
import { countKindBytes } from '../count';
import { LAYER_FIELDS, NETWORK_FIELDS } from '../network';
import { asBundleError } from './bundle-error';
import { isTailorFile, LEARNGENES_FILE, MANIFEST_FILE, SHARED_FILE } from './file-names';
import { onlyKeys, record, shown } from './json-checks';
import { manifestChecksum } from './manifest-checksum';
import { labelBytes } from './tailor-file';

/** The entry of a file in kind.json. */
export interface BundleFile {
  /** Path inside the bundle, with forward slashes. */
  readonly file: string;
  /** Size. */
  readonly bytes: number;
  /** SHA-256 of the content as 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** The content of kind.json. */
export interface Manifest {
  readonly config: AnyKindConfig;
  /** Hash of the base, see `hashBase`; undefined where a bundle is of a version before 3. */
  readonly base: string | undefined;
  /** See `manifestChecksum`; undefined where a bundle is of a version before 4. */
  readonly checksum: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly learngenes: BundleFile;
  readonly shared: BundleFile;
  /** In the order of the config's groups. */
  readonly tailors: readonly BundleFile[];
}

const FORMAT = 'learngene-kind';
/**
 * The version that is written. Version 1 held a Diffusion Transformer, version 2 another network, neither a base; version 3 had no
 * checksum.
 */
const VERSION = 4;
/** The version from which a kind.json has a field. */
const SINCE = { base: 3, checksum: 4 } as const;
/** The largest kind.json that is read. */
export const MAX_MANIFEST_BYTES = 2 ** 24;
/** Largest size of a safetensors header: bytes for each tensor, and once. */
const HEADER_BYTES = 256;

/** The bytes of kind.json with its checksum, the same for the same manifest whatever the order of the fields given. */
export async function encodeManifest(
  manifest: Omit<Manifest, 'checksum'> & { readonly base: string },
): Promise<Uint8Array> {
  const { config, base, metadata, learngenes, shared, tailors } = manifest;
  const groups = config.groups.map((group) => pick(group, ['name', 'classes', 'classNames', 'tailorRank']));
  const files = { learngenes, shared, tailors };
  const content = {
    format: FORMAT,
    version: VERSION,
    config: { ...networkIn(config), ...pick(config, SETTINGS_FIELDS), groups },
    base,
    metadata,
    files,
  };
  // As it is read: without the fields that are undefined.
  const checksum = await manifestChecksum(JSON.parse(JSON.stringify(content)) as object);
  return new TextEncoder().encode(`${JSON.stringify({ ...content, checksum }, null, 2)}\n`);
}

/** What a manifest says of the network. */
function networkIn(config: AnyKindConfig): object {
  if (isDitConfig(config)) return { dit: pick(config.dit, Object.keys(ditConfig({}))) };
  const { network } = config;
  const layers = network.layers.map((layer) => pick(layer, LAYER_FIELDS));
  return { network: { ...pick(network, NETWORK_FIELDS), layers } };
}

/**
 * Reads kind.json and checks all of it but whether its checksum is that of its content.
 *
 * @throws BundleError on whatever is missing, unknown or out of range
 */
export function parseManifest(bytes: Uint8Array): Manifest {
  return asBundleError(MANIFEST_FILE, () => {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const content = record('kind.json', JSON.parse(text));
    const twice = duplicateKey(text);
    if (twice !== undefined) throw new Error(`kind.json: holds a key twice: ${shown(twice)}`);
    if (content.format !== FORMAT) throw new Error(`format: expected '${FORMAT}', got ${shown(content.format)}`);
    const { version } = content;
    if (version !== 1 && version !== 2 && version !== 3 && version !== VERSION) {
      throw new Error(`version: expected 1 to ${VERSION}, got ${shown(version)}`);
    }
    const own = (['base', 'checksum'] as const).filter((field) => version >= SINCE[field]);
    onlyKeys('kind.json', content, ['format', 'version', 'config', 'metadata', 'files', ...own]);
    const config = parseConfig(content.config, version);
    const metadata = parseMetadata(content.metadata);
    const hash = (field: keyof typeof SINCE) =>
      version >= SINCE[field] ? parseHash(field, content[field]) : undefined;
    const [base, checksum] = [hash('base'), hash('checksum')];
    return { config, base, checksum, metadata, ...parseFiles(content.files, config) };
  });
}

/** A SHA-256 as files have it. */
function parseHash(at: string, value: unknown): string {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return value;
  throw new Error(`${at}: expected 64 hexadecimal digits, got ${shown(value)}`);
}

/** Throws unless every value is a string and no key is '__proto__'. */
export function parseMetadata(value: unknown): Record<string, string> {
  const entries = Object.entries(record('metadata', value)).map(([key, entry]): [string, string] => {
    if (typeof entry !== 'string')
      throw new Error(`metadata.${key.slice(0, 80)}: expected a string, got ${shown(entry)}`);
    return [key, entry];
  });
  return Object.fromEntries(entries);
}

/** The config of a bundle: a Diffusion Transformer's in version 1, another network's in version 2, either from then on. */
function parseConfig(value: unknown, version: number): AnyKindConfig {
  const config = record('config', value);
  const isNamed = Object.hasOwn(config, 'network') || !Object.hasOwn(config, 'dit');
  const ofNetwork = version === 2 || (version > 2 && isNamed);
  return ofNetwork ? parseNetworkConfig(config) : parseDitConfig(config);
}

function parseNetworkConfig(config: Record<string, unknown>): NetworkKindConfig {
  onlyKeys('config', config, ['network', ...SETTINGS_FIELDS]);
  const network = record('config.network', config.network);
  for (const table of ['shared', 'rows']) record(`config.network.${table}`, network[table]);
  return parseSettings(config) as NetworkKindConfig;
}

function parseDitConfig(config: Record<string, unknown>): KindConfig {
  onlyKeys('config', config, ['dit', ...SETTINGS_FIELDS]);
  const dit = record('config.dit', config.dit);
  for (const [name, example] of Object.entries(ditConfig({}))) {
    const got = Object.hasOwn(dit, name) ? dit[name] : undefined;
    if (typeof got !== typeof example)
      throw new Error(`config.dit.${name}: expected a ${typeof example}, got ${shown(got)}`);
    if (typeof got === 'number' && !(got >= 0 && got <= largest(name))) {
      throw new Error(`config.dit.${name}: expected a number of at most ${largest(name)}, got ${got}`);
    }
  }
  onlyKeys('config.dit', dit, Object.keys(ditConfig({})));
  return parseSettings(config) as KindConfig;
}

/** Checks the ranks, the groups and the configuration as a whole. */
function parseSettings(config: Record<string, unknown>): AnyKindConfig {
  for (const name of ['learngeneRank', 'tailorRank']) {
    if (!((config[name] as number) <= MAX_DIT_SIZE))
      throw new Error(`config.${name}: expected at most ${MAX_DIT_SIZE}, got ${shown(config[name])}`);
  }
  if (!Array.isArray(config.groups)) throw new Error(`config.groups: expected an array, got ${shown(config.groups)}`);
  for (const [i, group] of config.groups.entries()) {
    onlyKeys(`config.groups[${i}]`, record(`config.groups[${i}]`, group), [
      'name',
      'classes',
      'classNames',
      'tailorRank',
    ]);
  }
  const checked = config as unknown as AnyKindConfig;
  validateKindConfig(checked);
  return checked;
}

function largest(name: string): number {
  return name === 'depth' ? MAX_DIT_DEPTH : MAX_DIT_SIZE;
}

function parseFiles(value: unknown, config: AnyKindConfig): Pick<Manifest, 'learngenes' | 'shared' | 'tailors'> {
  const files = record('files', value);
  onlyKeys('files', files, ['learngenes', 'shared', 'tailors']);
  const { tailors } = files;
  if (!Array.isArray(tailors) || tailors.length !== config.groups.length) {
    throw new Error(
      `files.tailors: expected one file for each of ${config.groups.length} groups, got ${shown(tailors)}`,
    );
  }
  const bytes = countKindBytes(config);
  const network = networkOf(config);
  const layers = network.layers.length;
  const [dense, tables] = [network.shared, network.rows].map((shapes) => Object.keys(shapes).length);
  const read = (at: string, entry: unknown, limits: { data: number; tensors: number; label?: number }): BundleFile => {
    const { file, bytes: size, sha256 } = record(at, entry);
    onlyKeys(at, entry as object, ['file', 'bytes', 'sha256']);
    const most = limits.data + HEADER_BYTES * (limits.tensors + 1) + (limits.label ?? 0);
    const least = config.pruned ? 0 : limits.data / 2; // half floats
    if (typeof file !== 'string') throw new Error(`${at}.file: expected a string, got ${shown(file)}`);
    if (!Number.isSafeInteger(size) || (size as number) < least || (size as number) > most) {
      throw new Error(`${at}.bytes: expected ${least} to ${most} for this config, got ${shown(size)}`);
    }
    return { file, bytes: size as number, sha256: parseHash(`${at}.sha256`, sha256) };
  };
  const learngenes = read('files.learngenes', files.learngenes, { data: bytes.learngenes, tensors: 4 * layers });
  const shared = read('files.shared', files.shared, { data: bytes.shared, tensors: dense + 2 });
  const own = tailors.map((entry, i) => {
    const data = bytes.tailors[config.groups[i].name];
    return read(`files.tailors[${i}]`, entry, {
      data,
      tensors: 3 * layers + tables,
      label: labelBytes(config.groups[i]),
    });
  });
  if (learngenes.file !== LEARNGENES_FILE)
    throw new Error(`files.learngenes.file: expected '${LEARNGENES_FILE}', got ${shown(learngenes.file)}`);
  if (shared.file !== SHARED_FILE)
    throw new Error(`files.shared.file: expected '${SHARED_FILE}', got ${shown(shared.file)}`);
  const names = new Set<string>();
  for (const [i, { file }] of own.entries()) {
    if (!isTailorFile(file))
      throw new Error(`files.tailors[${i}].file: expected 'tailors/<name>.safetensors', got ${shown(file)}`);
    if (names.has(file)) throw new Error(`files.tailors[${i}].file: '${file}' is used twice`);
    names.add(file);
  }
  return { learngenes, shared, tailors: own };
}

function pick<T extends object>(value: T, keys: readonly string[]): Partial<T> {
  return Object.fromEntries(keys.map((key) => [key, value[key as keyof T]])) as Partial<T>;
}
