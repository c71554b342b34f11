import { decodeSafetensors, type NamedTensors } from '@learngene/tensor-io';
import { checkShapes } from '../check-shapes';
import { type AnyKindConfig, isDitConfig } from '../config-types';
import type { TailorGroup } from '../tailor-groups';
import { asBundleError, BundleError, messageOf } from './bundle-error';
import { MANIFEST_FILE } from './file-names';
import { type BundleFile, MAX_MANIFEST_BYTES, type Manifest, parseManifest } from './manifest';
import { sha256 } from './sha256';
import { learngeneShapes, type Shapes, sharedShapes, tailorShapes } from './shapes';
import { decodeTailorFile, type TailorFile } from './tailor-file';

/**
 * Fetches the content of a file of the bundle.
 *
 * @param file - first 'kind.json', then names such as 'tailors/cat.safetensors'. The name is checked: it has no '..'
 *   and no leading slash.
 * @param expected - the size by kind.json, so that a longer answer can be refused before it is read. Undefined for
 *   kind.json itself, of which at most 16 MiB are read.
 */
export type FetchPiece = (file: string, expected: { readonly bytes: number } | undefined) => Promise<Uint8Array>;

/** kind.json of a bundle of the network asked for; without a name, of a Diffusion Transformer. */
export async function fetchManifest(fetchPiece: FetchPiece, network: string | undefined): Promise<Manifest> {
  const bytes = await fetched(fetchPiece, MANIFEST_FILE);
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw new BundleError(MANIFEST_FILE, `expected at most ${MAX_MANIFEST_BYTES} bytes, got ${bytes.length}`);
  }
  const manifest = parseManifest(bytes);
  checkNetworkName(manifest.config, network);
  return manifest;
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

/** The tensors in the order of the model; throws unless names, dtypes and shapes are those expected. */
function inModelOrder(tensors: NamedTensors, shapes: Shapes): NamedTensors {
  checkShapes(tensors, shapes);
  return new Map([...shapes.keys()].map((name) => [name, tensors.get(name)!]));
}

/** The file of a group's tailors, verified and in the order of the model; it is refused where it names another base. */
export async function fetchTailors(
  fetchPiece: FetchPiece,
  { config, base, tailors }: Pick<Manifest, 'config' | 'base' | 'tailors'>,
  group: TailorGroup,
): Promise<TailorFile> {
  const entry = tailors[config.groups.indexOf(group)];
  const { label, tensors } = decodeTailorFile(entry.file, await fetchVerified(fetchPiece, entry));
  if (base !== undefined && label !== undefined) checkSameBase(entry.file, label.base, base);
  return asBundleError(entry.file, () => {
    return { label, tensors: inModelOrder(tensors, tailorShapes(config, group, tensors)) };
  });
}

/** Throws unless tailors are made for the base of a bundle. */
export function checkSameBase(file: string, got: string, base: string): void {
  if (got === base) return;
  const [mine, theirs] = [base, got].map((hash) => hash.slice(0, 12));
  throw new BundleError(
    file,
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
