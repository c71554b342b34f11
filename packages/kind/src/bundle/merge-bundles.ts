import { listNames } from '@learngene/nn';
import { networkOf, tailorRankOf } from '../config-types';
import { classNamesIn, sameName, type TailorGroup } from '../tailor-groups';
import { hashTensors } from './base-hash';
import {
  type BundleChange,
  type BundleChangeOptions,
  checkChangeOptions,
  checkClashes,
  composeChange,
  entriesOf,
  noChange,
  type OpenedBundle,
  openForChange,
  refuseSoftGate,
} from './bundle-change';
import { BundleError, BundleRequestError } from './bundle-error';
import { type FetchPiece, fetchTailors, fetchVerified } from './fetch-bundle';
import { MANIFEST_FILE } from './file-names';
import { encodeTailorFile, tailorLabel } from './tailor-file';

/** Options of {@link mergeBundles}. */
export interface MergeBundlesOptions extends BundleChangeOptions {
  /** What errors call the other bundle, such as its folder (default 'from'). */
  readonly name?: string;
}

/**
 * Adds all groups of another bundle of the same base. A group that both have, with the same classes and the same numbers, is
 * one. The files and ids of the first bundle stay, and so does its metadata; the other bundle is only read.
 *
 * @param from - fetches the files of the other bundle.
 * @returns What to write and to delete in the first bundle. Rejects with BundleError for a damaged file, with
 *   BundleRequestError for another base, for a name that both have with other content, and for a soft gate.
 */
export async function mergeBundles(
  fetchPiece: FetchPiece,
  from: FetchPiece,
  options: MergeBundlesOptions = {},
): Promise<BundleChange> {
  checkChangeOptions('mergeBundles', options, ['name']);
  const { name = 'from' } = options;
  if (typeof from !== 'function') throw new Error(`from: expected a function, got ${JSON.stringify(from)}`);
  const bundle = await openForChange(fetchPiece, options, { withBase: true });
  const other = await of(name, () => openForChange(from, options, { withBase: true }));
  const { config, base } = bundle.manifest;
  if (other.manifest.base !== base) {
    const [mine, theirs] = [base, other.manifest.base].map((hash) => hash.slice(0, 12));
    const problem = `${name}/${MANIFEST_FILE}: another base: expected a bundle of base ${mine}, got one of base ${theirs}; tailors fit only the learngenes, the shared part and the process that they were trained on`;
    throw new BundleRequestError(problem);
  }
  refuseSoftGate('mergeBundles', config);
  const entries = entriesOf(bundle);
  let classes = entries.length === 0 ? 0 : networkOf(config).classes;
  const { groups } = other.manifest.config;
  const ids = new Map<number, number>(); // of the other bundle's classes in this one
  const novel: TailorGroup[] = [];
  for (const group of groups) {
    const mine = await sameGroup(bundle, other, { group, name });
    if (mine === undefined) novel.push(group);
    else for (const [row, id] of group.classes.entries()) ids.set(id, mine.classes[row]);
  }
  if (novel.length === 0 && ids.size === 0) return noChange(bundle);
  for (const [id, mine] of ids) checkSameGate(name, { id, groups }, { id: mine, groups: config.groups });
  if (novel.length === 0) return noChange(bundle);
  for (const group of novel) {
    for (const id of group.classes) if (!ids.has(id)) ids.set(id, classes++);
    const moved = movedGroup(other, group, { ids, tailorRank: config.tailorRank });
    checkClashes(
      `${name}: group '${group.name}'`,
      moved,
      entries.map((entry) => entry.group),
    );
    entries.push({ group: moved, file: await of(name, () => movedFile(other, group)) });
  }
  const pruned = config.pruned || other.manifest.config.pruned;
  return composeChange(bundle, { entries, classes, pruned });
}

/** The group of a bundle that is a group of another one: the same names and the same numbers. */
async function sameGroup(
  bundle: OpenedBundle,
  other: OpenedBundle,
  { group, name }: { group: TailorGroup; name: string },
): Promise<TailorGroup | undefined> {
  const { config, tailors } = bundle.manifest;
  const at = config.groups.findIndex((each) => sameName(each.name, group.name));
  if (at < 0) return undefined;
  const mine = config.groups[at];
  const [names, theirs] = [mine, group].map(classNamesIn);
  if (names.length !== theirs.length || names.some((each, i) => !sameName(each, theirs[i]))) return undefined;
  const file = other.manifest.tailors[other.manifest.config.groups.indexOf(group)];
  if (tailors[at].sha256 === file.sha256) return mine;
  const ours = await fetchTailors(bundle.fetchPiece, bundle.manifest, mine);
  const own = await of(name, () => fetchTailors(other.fetchPiece, other.manifest, group));
  return (await hashTensors(ours.tensors)) === (await hashTensors(own.tensors)) ? mine : undefined;
}

/** A class of a bundle and the groups that it may be in. */
interface ClassIn {
  readonly id: number;
  readonly groups: readonly TailorGroup[];
}

/** Throws where a class that both bundles have in a group is in more groups of one of them, for it gives other images there. */
function checkSameGate(name: string, theirs: ClassIn, mine: ClassIn): void {
  const [got, wanted] = [theirs, mine].map(({ id, groups }) => groups.filter(({ classes }) => classes.includes(id)));
  if (got.length === wanted.length && got.every((group, i) => sameName(group.name, wanted[i].name))) return;
  const [first] = got;
  const named = classNamesIn(first)[first.classes.indexOf(theirs.id)];
  const [here, there] = [wanted, got].map((groups) => listNames(groups.map((group) => group.name)));
  throw new BundleRequestError(
    `${name}: class '${named}' is in the groups ${there} there, in ${here} here: it gives other images; rename one of the two`,
  );
}

/** A group that comes from another bundle, with the ids of its classes here; `tailorRank` is that of the first bundle. */
function movedGroup(
  { manifest: { config } }: OpenedBundle,
  group: TailorGroup,
  { ids, tailorRank }: { ids: ReadonlyMap<number, number>; tailorRank: number },
): TailorGroup {
  const { tailorRank: _, ...rest } = group;
  const rank = tailorRankOf(config, group);
  return {
    ...rest,
    classes: group.classes.map((id) => ids.get(id)!),
    ...(rank !== tailorRank && { tailorRank: rank }),
  };
}

/** The file of a group that comes from another bundle. */
async function movedFile({ manifest, fetchPiece }: OpenedBundle, group: TailorGroup): Promise<Uint8Array> {
  const { config, base, tailors } = manifest;
  const { label, tensors } = await fetchTailors(fetchPiece, manifest, group);
  // The file of an older bundle names no base.
  if (label === undefined) return encodeTailorFile(tensors, tailorLabel(group, base, config));
  return fetchVerified(fetchPiece, tailors[config.groups.indexOf(group)]);
}

/** What `work` gives; a BundleError of it is one of the other bundle. */
async function of<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BundleError) || error.folder !== undefined) throw error;
    throw new BundleError(error.file, error.problem, { folder, cause: error });
  }
}
