import { decodeSafetensors, type NamedTensors } from '@learngene/tensor-io';
import { checkFinite, checkShapes } from '../check-shapes';
import { type AnyKindConfig, isDitConfig } from '../config-types';
import type { TailorGroup } from '../tailor-groups';
import { hashBase } from './base-hash';
import { asBundleError, BundleError, BundleRequestError, messageOf } from './bundle-error';
import { MANIFEST_FILE } from './file-names';
import { type BundleFile, MAX_MANIFEST_BYTES, type Manifest, parseManifest } from './manifest';
import { manifestChecksum } from './manifest-checksum';
import { sha256 } from './sha256';
import { learngeneShapes, type Shapes, sharedShapes, tailorShapes } from './shapes';
import { decodeTailorFile, type TailorFile, type TailorLabel, tailorLabel } from './tailor-file';

/**
 * Fetches the content of a file of the bundle.
 *
 * @param file - first 'kind.json', then names such as 'tailors/cat.safetensors'. The name is checked: it has no '..'
 *   and no leading slash.
 * @param expected - the size by kind.json, so that a longer answer can be refused before it is read. Undefined for
 *   kind.json itself, of which at most 16 MiB are read.
 */
export type FetchPiece = (file: string, expected: { readonly bytes: number } | undefined) => Promise<Uint8Array>;

/** kind.json of a bundle of the network asked for; without a name, of a Diffusion Transformer. Its checksum is compared. */
export async function fetchManifest(fetchPiece: FetchPiece, network: string | undefined): Promise<Manifest> {
  const { manifest, bytes } = await fetchUnsealed(fetchPiece, network);
  await checkChecksum(manifest, bytes);
  return manifest;
}

/** kind.json as {@link fetchManifest}, whose checksum is not compared yet. */
export async function fetchUnsealed(
  fetchPiece: FetchPiece,
  network: string | undefined,
): Promise<{ manifest: Manifest; bytes: Uint8Array }> {
  const bytes = await fetched(fetchPiece, MANIFEST_FILE);
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new BundleError(MANIFEST_FILE, `expected at most ${MAX_MANIFEST_BYTES} bytes, got ${bytes.length}`);
  }
  const manifest = parseManifest(bytes);
  checkNetworkName(manifest.config, network);
  return { manifest, bytes };
}

/** Throws where a kind.json says something else than when it was written. */
export async function checkChecksum({ checksum }: Manifest, bytes: Uint8Array): Promise<void> {
  if (checksum === undefined) return;
  const got = await manifestChecksum(JSON.parse(new TextDecoder().decode(bytes)) as object);
  if (got === checksum) return;
  const problem = `checksum: expected ${checksum}, as it was written, got ${got}: it was edited or damaged since; take the original again`;
  throw new BundleError(MANIFEST_FILE, problem);
}

/** Throws where learngenes, shared part, config and metadata are not those of the base that kind.json names. */
export async function checkBase(
  { config, base, metadata }: Pick<Manifest, 'config' | 'base' | 'metadata'>,
  { learngenes, shared }: { readonly learngenes: NamedTensors; readonly shared: NamedTensors },
): Promise<void> {
  if (base === undefined) return;
  const got = await hashBase({ config, learngenes, shared, images: metadata.images });
  if (got === base) return;
  throw new BundleError(MANIFEST_FILE, `base: expected ${got}, as the files have, got ${base}`);
}

/** Throws unless a bundle is of the network asked for; without a name, of a Diffusion Transformer. */
function checkNetworkName(config: AnyKindConfig, name: string | undefined): void {
  const expected = name === undefined ? 'a Diffusion Transformer' : `the network '${name}'`;
  const got = isDitConfig(config) ? 'a Diffusion Transformer' : `the network '${config.network.name}'`;
  if (got !== expected) throw new BundleError(MANIFEST_FILE, `expected a model of ${expected}, got one of ${got}`);
}

/** The tensors of learngenes.safetensors, verified and in the order of the model. */
export function fetchLearngenes(
  fetchPiece: FetchPiece,
  { config, learngenes }: Pick<Manifest, 'config' | 'learngenes'>,
): Promise<NamedTensors> {
  return fetchTensors(fetchPiece, learngenes, (tensors) => learngeneShapes(config, tensors));
}

/** The tensors of shared.safetensors, verified and in the order of the model. */
export function fetchShared(
  fetchPiece: FetchPiece,
  { config, shared }: Pick<Manifest, 'config' | 'shared'>,
): Promise<NamedTensors> {
  return fetchTensors(fetchPiece, shared, () => sharedShapes(config));
}

async function fetchTensors(
  fetchPiece: FetchPiece,
  entry: BundleFile,
  shapes: (tensors: NamedTensors) => Shapes,
): Promise<NamedTensors> {
  const bytes = await fetchVerified(fetchPiece, entry);
  return asBundleError(entry.file, () => {
    const { tensors } = decodeSafetensors(bytes, { name: 'safetensors' });
    return inModelOrder(tensors, shapes(tensors));
  });
}

/** The tensors in the order of the model; throws unless names, dtypes and shapes are those expected and all numbers finite. */
function inModelOrder(tensors: NamedTensors, shapes: Shapes): NamedTensors {
  checkShapes(tensors, shapes);
  checkFinite(tensors);
  return new Map([...shapes.keys()].map((name) => [name, tensors.get(name)!]));
}

/**
 * The file of a group's tailors, verified and in the order of the model; it is refused where it names another base or another
 * group than kind.json.
 */
export async function fetchTailors(
  fetchPiece: FetchPiece,
  { config, base, tailors }: Pick<Manifest, 'config' | 'base' | 'tailors'>,
  group: TailorGroup,
): Promise<TailorFile> {
  const entry = tailors[config.groups.indexOf(group)];
  const { label, tensors } = decodeTailorFile(entry.file, await fetchVerified(fetchPiece, entry));
  return asBundleError(entry.file, () => {
    if (base !== undefined && label !== undefined) checkSameBase(label.base, base);
    const ordered = inModelOrder(tensors, tailorShapes(config, group, tensors));
    const own = tailorLabel(group, base ?? '', config);
    const says = ({ group: named, partial }: TailorLabel) => JSON.stringify({ named, partial });
    if (label !== undefined && says(label) !== says(own)) {
      throw new Error(`group: expected '${group.name}', its classes and its rank, as kind.json says, got others`);
    }
    return { label, tensors: ordered };
  });
}

/** Throws unless tailors are made for the base of a bundle. */
export function checkSameBase(got: string, base: string): void {
  if (got === base) return;
  const [mine, theirs] = [base, got].map((hash) => hash.slice(0, 12));
  throw new BundleRequestError(
    `another base: expected tailors of base ${mine}, as the bundle has, got those of base ${theirs}; tailors fit only the learngenes, the shared part and the process that they were trained on`,
  );
}

/** The bytes of a file, with the size and the SHA-256 that kind.json says. */
export async function fetchVerified(
  fetchPiece: FetchPiece,
  { file, bytes: size, sha256: expected }: BundleFile,
): Promise<Uint8Array> {
  const bytes = await fetched(fetchPiece, file, { bytes: size });
  if (bytes.length !== size) throw new BundleError(file, `expected ${size} bytes, got ${bytes.length}`);
  const got = await sha256(bytes);
  if (got !== expected) throw new BundleError(file, `expected SHA-256 ${expected}, got ${got}`);
  return bytes;
}

/** The bytes of a file. Rejects with BundleError where they cannot be fetched. */
async function fetched(fetchPiece: FetchPiece, file: string, expected?: { bytes: number }): Promise<Uint8Array> {
  let bytes: unknown;
  try {
    bytes = await fetchPiece(file, expected);
  } catch (cause) {
    if (cause instanceof BundleError) throw cause;
    throw new BundleError(file, `cannot be fetched: ${messageOf(cause)}`, { cause });
  }
  if (bytes instanceof Uint8Array) return bytes;
  throw new BundleError(file, `expected the fetched piece to be a Uint8Array, got ${typeof bytes}`);
}
