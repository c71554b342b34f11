import { groupByName, type LinearParams, type ParamTree, paramsFromTensorData } from '@learngene/nn';
import { type AnyKindConfig, type KindConfig, type NetworkKindConfig, networkOf } from '../config-types';
import { checkNames, checkOptionNames } from '../option-names';
import { type KindModel, layerTree, type NetworkKindModel, type NetworkParams, rowsIn, subTree } from '../params';
import { checkBase, type FetchPiece, fetchLearngenes, fetchManifest, fetchShared, fetchTailors } from './fetch-bundle';
import type { BundleFile } from './manifest';

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
 * kind.json is compared with its checksum (one of version 3 with the base of its files). Sizes and SHA-256 are compared with
 * kind.json before a file is parsed, names, dtypes and shapes with the config before any tensor is made.
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
  const manifest = await fetchManifest(fetchPiece, options.network);
  const { config, metadata } = manifest;
  const names = new Set(groups ?? config.groups.map((group) => group.name));
  const wanted = [...names].map((name) => groupByName(config.groups, name));
  const pieces = [
    () => fetchLearngenes(fetchPiece, manifest),
    () => fetchShared(fetchPiece, manifest),
    ...wanted.map((group) => async () => (await fetchTailors(fetchPiece, manifest, group)).tensors),
  ];
  const [common, dense, ...own] = await mapLimited(pieces, PARALLEL, (fetchPart) => fetchPart());
  // From version 4 on the checksum of kind.json tells whether it was edited.
  if (manifest.checksum === undefined) await checkBase(manifest, { learngenes: common, shared: dense });
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

/** What kind.json of a bundle says. */
export interface BundleManifest<C extends AnyKindConfig = KindConfig> extends BundleMetadata {
  /** The config of all groups. */
  readonly config: C;
  /** Hash of the base, see `baseHash`; undefined where the bundle is older than that hash. */
  readonly base: string | undefined;
  /** The files beside kind.json. */
  readonly files: {
    /** learngenes.safetensors. */
    readonly learngenes: BundleFile;
    /** shared.safetensors. */
    readonly shared: BundleFile;
    /** In the order of the groups. */
    readonly tailors: readonly BundleFile[];
  };
}

/**
 * Reads only kind.json of a bundle, without any tensor; of another network than a Diffusion Transformer with its name.
 *
 * @returns The config of all groups, the strings kept beside it, the base and the files. Rejects with {@link BundleError}.
 */
export function openBundleManifest(fetchPiece: FetchPiece): Promise<BundleManifest>;
export function openBundleManifest(
  fetchPiece: FetchPiece,
  options: Pick<OpenNetworkBundleOptions, 'network'>,
): Promise<BundleManifest<NetworkKindConfig>>;
export async function openBundleManifest(
  fetchPiece: FetchPiece,
  options: { readonly network?: string } = {},
): Promise<BundleManifest<KindConfig> | BundleManifest<NetworkKindConfig>> {
  checkOptionNames('openBundleManifest', options, ['network']);
  const { config, base, metadata, learngenes, shared, tailors } = await fetchManifest(fetchPiece, options.network);
  const files = { learngenes, shared, tailors };
  return { config: config as KindConfig, base, metadata: { ...metadata }, files };
}

/** The factored layers of a tree in the order of the network. */
function inLayerOrder(config: AnyKindConfig, tree: ParamTree): ParamTree {
  return layerTree(networkOf(config).layers, ({ name }) => subTree<ParamTree>(tree, name));
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
