import { isPrintable } from '@learngene/tensor-io';
import { type AnyKindConfig, withClasses } from '../config-types';
import { checkOptionNames } from '../option-names';
import { classNamesIn, sameName, type TailorGroup } from '../tailor-groups';
import { hashBase } from './base-hash';
import { BundleRequestError } from './bundle-error';
import { checkBase, type FetchPiece, fetchLearngenes, fetchManifest, fetchShared } from './fetch-bundle';
import { MANIFEST_FILE, tailorFile } from './file-names';
import { type BundleFile, encodeManifest, type Manifest, parseManifest } from './manifest';
import { sha256 } from './sha256';

/**
 * What makes one bundle of another. No file is written over: new content has a new name, and kind.json, which names the files,
 * comes last. Until kind.json is written the old bundle is whole, from then on the new one.
 */
export interface BundleChange {
  /** Content to write by file, kind.json last; empty where nothing changes. */
  readonly write: ReadonlyMap<string, Uint8Array>;
  /** Files that no longer belong to the bundle. Delete them after kind.json is written. */
  readonly remove: readonly string[];
  /** The names of the groups of the new bundle. */
  readonly groups: readonly string[];
}

/** Options of the functions that change a bundle. */
export interface BundleChangeOptions {
  /** The `name` of the network, for a bundle of another one than a Diffusion Transformer. */
  readonly network?: string;
  /**
   * What in the metadata of a bundle changes images, for a bundle that is older than `metadata.images` (default: nothing).
   * It becomes `metadata.images`, a part of the base.
   */
  readonly images?: (metadata: Readonly<Record<string, string>>) => string | undefined;
}

/** A bundle that is to be changed. */
export interface OpenedBundle {
  readonly manifest: Manifest & { readonly base: string };
  readonly fetchPiece: FetchPiece;
}

/** A group of the new bundle: a file of the old one, or new content. */
export interface GroupEntry {
  readonly group: TailorGroup;
  readonly file: BundleFile | Uint8Array;
}

/**
 * Reads kind.json of a bundle. Where it is older than its checksum, and where `withBase` says so, learngenes and shared part are
 * read too and compared with the base that it names; an older bundle without one gets it.
 */
export async function openForChange(
  fetchPiece: FetchPiece,
  options: BundleChangeOptions,
  { withBase = false } = {},
): Promise<OpenedBundle> {
  const manifest = await fetchManifest(fetchPiece, options.network);
  const { base, checksum, config } = manifest;
  if (base !== undefined && checksum !== undefined && !withBase) return { manifest: { ...manifest, base }, fetchPiece };
  const learngenes = await fetchLearngenes(fetchPiece, manifest);
  const shared = await fetchShared(fetchPiece, manifest);
  if (base !== undefined) {
    await checkBase(manifest, { learngenes, shared });
    return { manifest: { ...manifest, base }, fetchPiece };
  }
  const metadata = withImages(manifest.metadata, options);
  const computed = await hashBase({ config, learngenes, shared, images: metadata.images });
  return { manifest: { ...manifest, metadata, base: computed }, fetchPiece };
}

/** The metadata with `images`, which bundles had not from the first. */
export function withImages(
  metadata: Readonly<Record<string, string>>,
  { images }: BundleChangeOptions,
): Readonly<Record<string, string>> {
  const known = metadata.images ?? images?.(metadata);
  return known === undefined ? metadata : { ...metadata, images: known };
}

/** Throws on a soft gate, which has a row for every group and mixes the tailors of all of them. */
export function refuseSoftGate(of: string, { gate }: AnyKindConfig): void {
  if (gate === 'binary') return;
  throw new BundleRequestError(
    `${of}: expected a bundle with a binary gate, got a soft gate, which mixes the tailors of all groups: every image would change`,
  );
}

/** The entries of all groups as they are. */
export function entriesOf({ manifest }: OpenedBundle): GroupEntry[] {
  const { config, tailors } = manifest;
  return config.groups.map((group, i) => ({ group, file: tailors[i] }));
}

/**
 * The change to the entries given.
 *
 * @param next - the entries with the ids of their classes, the number of classes, and whether layers may hold fewer components
 */
export async function composeChange(
  { manifest }: OpenedBundle,
  next: { readonly entries: readonly GroupEntry[]; readonly classes: number; readonly pruned?: boolean },
): Promise<BundleChange> {
  const { entries, classes, pruned = manifest.config.pruned } = next;
  const taken = new Set(manifest.tailors.map(({ file }) => file));
  const write = new Map<string, Uint8Array>();
  const tailors: BundleFile[] = [];
  for (const { group, file } of entries) {
    if (!(file instanceof Uint8Array)) {
      tailors.push(file);
      continue;
    }
    const name = tailorFile(group.name, taken);
    taken.add(name);
    write.set(name, file);
    tailors.push({ file: name, bytes: file.length, sha256: await sha256(file) });
  }
  const groups = entries.map(({ group }) => group);
  const config = { ...withClasses<AnyKindConfig>(manifest.config, classes), groups, pruned };
  const bytes = await encodeManifest({ ...manifest, config, tailors });
  parseManifest(bytes); // what is written can be read
  const kept = new Set(tailors.map(({ file }) => file));
  const remove = manifest.tailors.map(({ file }) => file).filter((file) => !kept.has(file));
  return { write: write.set(MANIFEST_FILE, bytes), remove, groups: groups.map(({ name }) => name) };
}

/** A change that changes nothing. */
export function noChange({ manifest }: OpenedBundle): BundleChange {
  return { write: new Map(), remove: [], groups: manifest.config.groups.map(({ name }) => name) };
}

/** Throws unless a name can be that of a group or of a class. */
export function checkName(at: string, name: unknown): asserts name is string {
  if (typeof name !== 'string' || name.length < 1 || name.length > 200) {
    throw new BundleRequestError(
      `${at}: expected a name of 1 to 200 characters, got ${JSON.stringify(name)?.slice(0, 80)}`,
    );
  }
  if (name.trim() === '' || !isPrintable(name)) {
    throw new BundleRequestError(
      `${at}: expected a name without control characters that is not blank, got ${JSON.stringify(name)}`,
    );
  }
  if (name === '__proto__') throw new BundleRequestError(`${at}: '__proto__' is not allowed`);
}

/** Throws where a group or one of its classes has a name that another group or another class has. */
export function checkClashes(at: string, group: TailorGroup, others: readonly TailorGroup[]): void {
  const namesake = others.find(({ name }) => sameName(name, group.name));
  if (namesake) {
    throw new BundleRequestError(`${at}: the bundle has a group '${namesake.name}' already; rename one of the two`);
  }
  const taken = others.flatMap((other) =>
    classNamesIn(other).filter((_, row) => !group.classes.includes(other.classes[row])),
  );
  const twice = classNamesIn(group).find((name) => taken.some((other) => sameName(other, name)));
  if (twice !== undefined) {
    throw new BundleRequestError(`${at}: the bundle has a class '${twice}' already; rename one of the two`);
  }
}

/** Applies a change to the files of a bundle in memory; the map given stays as it is. */
export function applyBundleChange(
  files: ReadonlyMap<string, Uint8Array>,
  change: BundleChange,
): Map<string, Uint8Array> {
  const next = new Map(files);
  for (const [file, bytes] of change.write) next.set(file, bytes);
  for (const file of change.remove) next.delete(file);
  return next;
}

/** Throws on options that are unknown or no functions. */
export function checkChangeOptions(of: string, options: BundleChangeOptions, more: readonly string[] = []): void {
  checkOptionNames(of, options, ['network', 'images', ...more]);
  const { images } = options;
  if (images !== undefined && typeof images !== 'function') {
    throw new Error(`images: expected a function, got ${JSON.stringify(images)}`);
  }
}
