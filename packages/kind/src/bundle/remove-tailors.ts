import { type AnyKindConfig, networkOf } from '../config-types';
import type { TailorGroup } from '../tailor-groups';
import {
  type BundleChange,
  type BundleChangeOptions,
  checkChangeOptions,
  composeChange,
  entriesOf,
  type GroupEntry,
  type OpenedBundle,
  openForChange,
  refuseSoftGate,
} from './bundle-change';
import { BundleRequestError } from './bundle-error';
import { type FetchPiece, fetchTailors } from './fetch-bundle';
import { findNamed, type NamedIn } from './find-named';
import { encodeTailorFile, tailorLabel } from './tailor-file';
import { withRows } from './tensor-rows';

/** Options of {@link removeTailors}. */
export interface RemoveTailorsOptions extends BundleChangeOptions {
  /** Whether the names are of groups or of classes (default: whichever there is). */
  readonly of?: NamedIn;
}

/**
 * Removes groups, or single classes of a group, from a bundle. The tailors of a group whose classes are all removed go; of a
 * group that keeps some, the rows of the others go, and only that file is written anew. A class in several groups leaves all of
 * them. Ids of classes close up; a class that stays gives the bits that it gave.
 *
 * @param names - of groups, or of classes.
 * @returns What to write and to delete. Rejects with BundleRequestError for a name that is not there, or is that of a group and of
 *   a class, and for a bundle with a soft gate.
 */
export async function removeTailors(
  fetchPiece: FetchPiece,
  names: readonly string[],
  options: RemoveTailorsOptions = {},
): Promise<BundleChange> {
  checkChangeOptions('removeTailors', options, ['of']);
  if (!Array.isArray(names) || names.length === 0)
    throw new BundleRequestError('names: expected at least one, got none');
  const bundle = await openForChange(fetchPiece, options);
  const { config } = bundle.manifest;
  refuseSoftGate('removeTailors', config);
  const found = names.map((name) => findNamed('names', config.groups, { name, of: options.of }));
  const removed = new Set(
    found.flatMap(({ group, row }) => (row === undefined ? group.classes : [group.classes[row]])),
  );
  const classes = networkOf(config).classes;
  const ids = Array.from({ length: classes }, (_, id) => id).filter((id) => !removed.has(id));
  const renumbered = new Map(ids.map((id, next) => [id, next]));
  const kept = entriesOf(bundle).flatMap((entry) => {
    const rows = entry.group.classes.flatMap((id, row) => (removed.has(id) ? [] : [row]));
    if (rows.length === 0) return [];
    const classes = rows.map((row) => renumbered.get(entry.group.classes[row])!);
    return [{ entry, rows, group: { ...pickRows(entry.group, rows), classes } }];
  });
  const next = { ...config, groups: kept.map(({ group }) => group) };
  const entries: GroupEntry[] = [];
  for (const { entry, rows, group } of kept) {
    const whole = rows.length === entry.group.classes.length;
    entries.push({ group, file: whole ? entry.file : await fileOfRows(bundle, next, { entry, group, rows }) });
  }
  return composeChange(bundle, { entries, classes: Math.max(1, ids.length) });
}

function pickRows(group: TailorGroup, rows: readonly number[]): TailorGroup {
  const { classNames } = group;
  return { ...group, ...(classNames && { classNames: rows.map((row) => classNames[row]) }) };
}

/** The file of a group that keeps some of its classes in the config that is next. */
async function fileOfRows(
  { manifest, fetchPiece }: OpenedBundle,
  next: AnyKindConfig,
  { entry, group, rows }: { entry: GroupEntry; group: TailorGroup; rows: readonly number[] },
): Promise<Uint8Array> {
  const { tensors } = await fetchTailors(fetchPiece, manifest, entry.group);
  const kept = withRows(tensors, Object.keys(networkOf(next).rows), rows);
  return encodeTailorFile(kept, tailorLabel(group, manifest.base, next));
}
