import { groupByName, type LinearParams, type ParamTree, paramsFromTensorData } from '@learngene/nn';
import { decodeSafetensors, type NamedTensors } from '@learngene/tensor-io';
import { checkShapes } from '../check-shapes';
import { type AnyKindConfig, isDitConfig, type KindConfig, networkOf } from '../config-types';
import { checkNames, checkOptionNames } from '../option-names';
import { type KindModel, layerTree, type NetworkKindModel, type NetworkParams, rowsIn, subTree } from '../params';
import { asBundleError, BundleError, messageOf } from './bundle-error';
import { MANIFEST_FILE } from './file-names';
import { type BundleFile, MAX_MANIFEST_BYTES, parseManifest } from './manifest';
import { sha256 } from './sha256';
import { learngeneShapes, sharedShapes, tailorShapes } from './shapes';

/** Options of {@link openBundle}. */
export interface OpenBundleOptions {
  /** Names of the groups whose tailors are read (default all). `[]` reads only the learngenes and the shared parts. */
  readonly groups?: readonly string[];
}

/** Options of {@link openBundle} for a bundle of another network than a Diffusion Transformer. */
export type OpenNetworkBundleOptions = OpenBundleOptions & {
  /** The `name` of the network; a bundle of another one is refused. */
  readonly network: string;
};

/**
 * Fetches the content of a file of the bundle.
 *
 * @param file - first 'kind.json', then names such as 'tailors/cat.safetensors'. The name is checked: it has no '..'
 *   and no leading slash.
 * @param expected - the size by kind.json, so that a longer answer can be refused before it is read. Undefined for
 *   kind.json itself, of which at most 16 MiB are read.
 */
export type FetchPiece = (file: string, expected: { readonly bytes: number } | undefined) => Promise<Uint8Array>;

/** What a bundle holds beside a model. */
export interface BundleMetadata {
  /** The strings kept in kind.json. */
  readonly metadata: Record<string, string>;
}

/** A model of a Diffusion Transformer from a bundle. */
export type BundleModel = KindModel & BundleMetadata;

/** A model of another network from a bundle. */
export type NetworkBundleModel = NetworkKindModel & BundleMetadata;

/** Files that are fetched at a time. */
const PARALLEL = 6;

/**
 * Reads a bundle file by file: kind.json, then the learngenes, the shared parts and the tailors asked for, nothing else.
 * Sizes and SHA-256 are compared with kind.json before a file is parsed, names, dtypes and shapes with the config before
 * any tensor is made.
 *
 * @returns A model whose parameters (f32, owned by the caller) hold the tailors asked for. Its config still lists all
 *   groups of the bundle; `assembleFactored` with the same names makes a config that fits. Rejects with {@link
 *   BundleError} when the bundle is damaged, and with a plain Error for a group that it does not have.
 */
export function openBundle(fetchPiece: FetchPiece, options?: OpenBundleOptions): Promise<BundleModel>;
export function openBundle(fetchPiece: FetchPiece, options: OpenNetworkBundleOptions): Promise<NetworkBundleModel>;
export async function openBundle(
  fetchPiece: FetchPiece,
  options: OpenBundleOptions & Partial<OpenNetworkBundleOptions> = {},
): Promise<BundleModel | NetworkBundleModel> {
  checkOptionNames('openBundle', options, ['groups', 'network']);
  const { groups } = options;
  checkNames('groups', groups);
  const { config, metadata, learngenes, shared, tailors } = await fetchManifest(fetchPiece, options.network);
  const names = new Set(groups ?? config.groups.map((group) => group.name));
  const wanted = [...names].map((name) => {
    const group = groupByName(config.groups, name);
    return {
      name,
      file: tailors[config.groups.indexOf(group)],
      shapes: (own: NamedTensors) => tailorShapes(config, group, own),
    };
  });
  const pieces = [
    { file: learngenes, shapes: (own: NamedTensors) => learngeneShapes(config, own) },
    { file: shared, shapes: () => sharedShapes(config) },
    ...wanted,
  ];
  const [common, dense, ...own] = await mapLimited(pieces, PARALLEL, async ({ file, shapes }) => {
    const bytes = await verified(fetchPiece, file);
    return asBundleError(file.file, () => {
      const { tensors } = decodeSafetensors(bytes, { name: 'safetensors' });
      const expected = shapes(tensors);
      checkShapes(tensors, expected);
      return new Map([...expected.keys()].map((name) => [name, tensors.get(name)!])); // in the order of the model
    });
  });
  const { gate, ...rest } = paramsFromTensorData(dense);
  const params: NetworkParams = {
    shared: rest,
    learngenes: inLayerOrder(config, paramsFromTensorData(common)),
    tailors: Object.fromEntries(
      wanted.map(({ name }, i) => {
        const tree = paramsFromTensorData(own[i]);
        return [name, { ...inLayerOrder(config, tree), ...rowsIn(tree, networkOf(config)) }];
      }),
    ),
    ...(gate && { gate: gate as LinearParams }),
  };
  return { config, params, metadata: { ...metadata } } as BundleModel | NetworkBundleModel;
}

/**
 * Reads only kind.json of the bundle of a Diffusion Transformer, without any tensor.
 *
 * @returns The config of all groups and the strings kept beside it. Rejects with {@link BundleError}.
 */
export async function openBundleManifest(fetchPiece: FetchPiece): Promise<Pick<BundleModel, 'config' | 'metadata'>> {
  const { config, metadata } = await fetchManifest(fetchPiece, undefined);
  return { config: config as KindConfig, metadata: { ...metadata } };
}

/** kind.json of a bundle of the network asked for; without a name, of a Diffusion Transformer. */
async function fetchManifest(fetchPiece: FetchPiece, network: string | undefined) {
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

/** The factored layers of a tree in the order of the network. */
function inLayerOrder(config: AnyKindConfig, tree: ParamTree): ParamTree {
  return layerTree(networkOf(config).layers, ({ name }) => subTree<ParamTree>(tree, name));
}

async function verified(
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

/** `f` of every item, at most `limit` at a time, started in order. */
async function mapLimited<T, R>(items: readonly T[], limit: number, f: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const work = async () => {
    while (next < items.length && !failed) {
      const at = next++;
      try {
        results[at] = await f(items[at]);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  return results;
}
