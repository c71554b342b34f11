import { networkOf } from '../config-types';
import { classNamesIn, sameName, type TailorGroup } from '../tailor-groups';
import {
  type BundleChange,
  type BundleChangeOptions,
  checkChangeOptions,
  checkClashes,
  checkName,
  composeChange,
  entriesOf,
  type GroupEntry,
  noChange,
  type OpenedBundle,
  openForChange,
} from './bundle-change';
import { BundleRequestError } from './bundle-error';
import { type FetchPiece, fetchTailors } from './fetch-bundle';
import { findNamed, type Named, type NamedIn } from './find-named';
import { encodeTailorFile, tailorLabel } from './tailor-file';

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
 * together; a class in several groups has its new name in all of them. Only files that have the name are written anew; numbers
 * and ids stay.
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
  const entries: GroupEntry[] = [];
  for (const entry of entriesOf(bundle)) {
    const next = entry.group === old ? group : withNames(entry.group, newNames(old, group));
    const same = JSON.stringify(next) === JSON.stringify(entry.group);
    entries.push(same ? entry : { group: next, file: await fileNamed(bundle, entry.group, next) });
  }
  return composeChange(bundle, { entries, classes: networkOf(manifest.config).classes });
}

/** The names of classes that a group has under another name than it had. */
function newNames(old: TailorGroup, group: TailorGroup): ReadonlyMap<number, string> {
  const [before, after] = [old, group].map(classNamesIn);
  return new Map(group.classes.flatMap((id, row) => (before[row] === after[row] ? [] : [[id, after[row]]])));
}

/** A group with new names of some classes. */
function withNames(group: TailorGroup, names: ReadonlyMap<number, string>): TailorGroup {
  if (!group.classes.some((id) => names.has(id))) return group;
  return { ...group, classNames: classNamesIn(group).map((name, row) => names.get(group.classes[row]) ?? name) };
}

/** The file of a group under the names that are next. */
async function fileNamed({ manifest, fetchPiece }: OpenedBundle, group: TailorGroup, next: TailorGroup) {
  const { tensors } = await fetchTailors(fetchPiece, manifest, group);
  return encodeTailorFile(tensors, tailorLabel(next, manifest.base, manifest.config));
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
