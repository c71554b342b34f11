import { networkOf, tailorRankOf } from '../config-types';
import type { TailorGroup } from '../tailor-groups';
import { hashTensors } from './base-hash';
import {
  type BundleChange,
  type BundleChangeOptions,
  checkChangeOptions,
  checkClashes,
  composeChange,
  entriesOf,
  type GroupEntry,
  noChange,
  type OpenedBundle,
  openForChange,
  refuseSoftGate,
  sameName,
} from './bundle-change';
import { BundleError, BundleRequestError } from './bundle-error';
import { type FetchPiece, fetchTailors, fetchVerified } from './fetch-bundle';
import { MANIFEST_FILE } from './file-names';
import { classNamesIn, encodeTailorFile, tailorLabel } from './tailor-file';

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
  let added = 0;
  for (const group of other.manifest.config.groups) {
    if (await isThere(bundle, other, { group, name })) continue;
    checkClashes(
      `${name}: group '${group.name}'`,
      group,
      entries.map((entry) => entry.group),
    );
    entries.push(await of(name, () => movedEntry(other, group, { first: classes, tailorRank: config.tailorRank })));
    classes += group.classes.length;
    added++;
  }
  if (added === 0) return noChange(bundle);
  const pruned = config.pruned || other.manifest.config.pruned;
  return composeChange(bundle, { entries, classes, pruned });
}

/** Whether a bundle has a group of another one: the same names and the same numbers. */
async function isThere(
  bundle: OpenedBundle,
  other: OpenedBundle,
  { group, name }: { group: TailorGroup; name: string },
): Promise<boolean> {
  const { config, tailors } = bundle.manifest;
  const at = config.groups.findIndex((each) => sameName(each.name, group.name));
  if (at < 0) return false;
  const mine = config.groups[at];
  const [names, theirs] = [mine, group].map(classNamesIn);
  if (names.length !== theirs.length || names.some((each, i) => !sameName(each, theirs[i]))) return false;
  const file = other.manifest.tailors[other.manifest.config.groups.indexOf(group)];
  if (tailors[at].sha256 === file.sha256) return true;
  const ours = await fetchTailors(bundle.fetchPiece, bundle.manifest, mine);
  const own = await of(name, () => fetchTailors(other.fetchPiece, other.manifest, group));
  return (await hashTensors(ours.tensors)) === (await hashTensors(own.tensors));
}

/** The entry of a group that comes from another bundle, with the ids from `first` on; `tailorRank` is that of the first. */
async function movedEntry(
  { manifest, fetchPiece }: OpenedBundle,
  group: TailorGroup,
  { first, tailorRank }: { first: number; tailorRank: number },
): Promise<GroupEntry> {
  const { config, base, tailors } = manifest;
  const { label, tensors } = await fetchTailors(fetchPiece, manifest, group);
  const { tailorRank: _, ...rest } = group;
  const classes = group.classes.map((_id, i) => first + i);
  const rank = tailorRankOf(config, group);
  const moved = { ...rest, classes, ...(rank !== tailorRank && { tailorRank: rank }) };
  // The file of an older bundle names no base.
  const file =
    label === undefined
      ? encodeTailorFile(tensors, tailorLabel(group, base, config))
      : await fetchVerified(fetchPiece, tailors[config.groups.indexOf(group)]);
  return { group: moved, file };
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
