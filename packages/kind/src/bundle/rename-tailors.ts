import { networkOf } from '../config-types';
import type { TailorGroup } from '../tailor-groups';
import {
  type BundleChange,
  type BundleChangeOptions,
  checkChangeOptions,
  checkClashes,
  checkName,
  composeChange,
  entriesOf,
  noChange,
  openForChange,
  sameName,
} from './bundle-change';
import { BundleRequestError } from './bundle-error';
import { type FetchPiece, fetchTailors } from './fetch-bundle';
import { findNamed, type Named, type NamedIn } from './find-named';
import { classNamesIn, encodeTailorFile, tailorLabel } from './tailor-file';

/** Options of {@link renameTailors}. */
export interface RenameTailorsOptions extends BundleChangeOptions {
  /** The name that is there. */
  readonly from: string;
  /** The name that takes its place. */
  readonly to: string;
  /** Whether `from` is a group or a class (default: whichever there is). */
  readonly of?: NamedIn;
}

/**
 * Renames a group or a class of a bundle. A group of one class and its class, where they share the name, are renamed
 * together. Only the file of that group is written anew, because it names the group too; numbers and ids stay.
 *
 * @returns What to write and to delete. Rejects with BundleRequestError for a name that is not there, for one that is there
 *   already, and where `from` is a group and a class and `of` does not say which.
 */
export async function renameTailors(fetchPiece: FetchPiece, options: RenameTailorsOptions): Promise<BundleChange> {
  checkChangeOptions('renameTailors', options, ['from', 'to', 'of']);
  const { from, to, of } = options;
  checkName('to', to);
  const bundle = await openForChange(fetchPiece, options);
  const { manifest } = bundle;
  const found = findNamed('from', manifest.config.groups, { name: from, of });
  const group = renamed(found, { from, to, of });
  const old = found.group;
  if (JSON.stringify(group) === JSON.stringify(old)) return noChange(bundle);
  const others = manifest.config.groups.filter((each) => each !== old);
  checkClashes('to', group, others);
  if (found.row !== undefined && classNamesIn(old).some((name, row) => row !== found.row && sameName(name, to))) {
    throw new BundleRequestError(`to: group '${old.name}' has a class '${to}' already`);
  }
  const { tensors } = await fetchTailors(fetchPiece, manifest, old);
  const file = encodeTailorFile(tensors, tailorLabel(group, manifest.base, manifest.config));
  const entries = entriesOf(bundle).map((entry) => (entry.group === old ? { group, file } : entry));
  return composeChange(bundle, { entries, classes: networkOf(manifest.config).classes });
}

function renamed({ group, row }: Named, { from, to, of }: { from: string; to: string; of?: NamedIn }): TailorGroup {
  const names = classNamesIn(group);
  const single = group.classes.length === 1;
  if (!single) {
    if (row === undefined) return { ...group, name: to };
    return { ...group, classNames: names.map((name, at) => (at === row ? to : name)) };
  }
  const isNamed = (name: string, what: NamedIn) => sameName(name, from) && (of === undefined || of === what);
  const name = isNamed(group.name, 'group') ? to : group.name;
  return { ...group, name, classNames: [isNamed(names[0], 'class') ? to : names[0]] };
}
