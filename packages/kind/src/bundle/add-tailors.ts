import { checkFinite, checkShapes } from '../check-shapes';
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
  type GroupEntry,
  type OpenedBundle,
  openForChange,
  refuseSoftGate,
} from './bundle-change';
import { BundleError, BundleRequestError, messageOf, TailorError } from './bundle-error';
import { checkSameBase, type FetchPiece } from './fetch-bundle';
import { tailorShapes } from './shapes';
import { decodeTailorFile, encodeTailorFile, type TailorLabel } from './tailor-file';

/** Options of {@link addTailors}. */
export interface AddTailorsOptions extends BundleChangeOptions {
  /** Another name for the group and, where it has one class, for the class; only with one file. */
  readonly as?: string;
}

/**
 * Adds the tailors of novel groups to a bundle of the base that they are made for. Files that are there stay as they are, and
 * so do the ids of their classes: an old class gives the bits that it gave. The classes of the new groups get the next ids.
 *
 * @param tailors - files as `encodeTailors` makes them, or as a bundle holds them, by a name for errors.
 * @returns What to write and to delete. Rejects with TailorError for a damaged file and one with infinities or NaN, for
 *   tailors of another base, for those that name no base, for those of a class that another group adds to, and for a name that is there already; with BundleError where kind.json,
 *   learngenes or shared part of the bundle are damaged; with BundleRequestError for one with a soft gate.
 */
export async function addTailors(
  fetchPiece: FetchPiece,
  tailors: ReadonlyMap<string, Uint8Array>,
  options: AddTailorsOptions = {},
): Promise<BundleChange> {
  checkChangeOptions('addTailors', options, ['as']);
  const { as } = options;
  if (!(tailors instanceof Map) || tailors.size === 0) throw new Error('tailors: expected at least one file, got none');
  if (as !== undefined) {
    checkName('as', as);
    if (tailors.size > 1) throw new Error(`as: expected one file of tailors, got ${tailors.size}`);
  }
  const bundle = await openForChange(fetchPiece, options, { withBase: true });
  refuseSoftGate('addTailors', bundle.manifest.config);
  const entries = entriesOf(bundle);
  // Of a bundle without groups, the one class that its config has is in none.
  let classes = entries.length === 0 ? 0 : networkOf(bundle.manifest.config).classes;
  let { pruned } = bundle.manifest.config;
  for (const [file, bytes] of tailors) {
    const others = entries.map(({ group }) => group);
    const added = asTailorError(file, () => readTailors(file, bytes, { bundle, as, others, first: classes }));
    classes += added.entry.group.classes.length;
    pruned ||= added.pruned;
    entries.push(added.entry);
  }
  return composeChange(bundle, { entries, classes, pruned });
}

/** The group of a file of tailors, with the ids from `first` on. */
function readTailors(
  file: string,
  bytes: Uint8Array,
  { bundle, as, others, first }: { bundle: OpenedBundle; as?: string; others: readonly TailorGroup[]; first: number },
): { entry: GroupEntry; pruned: boolean } {
  if (!(bytes instanceof Uint8Array)) throw new Error(`expected a Uint8Array, got ${typeof bytes}`);
  const { label, tensors } = decodeTailorFile(file, bytes);
  if (label === undefined) {
    throw new BundleRequestError(
      'expected the tailors of one group, which name their base, got a file without a base; those of an older bundle come by merging that bundle',
    );
  }
  if (label.partial) {
    throw new BundleRequestError(
      'expected the tailors of whole classes, got those of a class that another group adds to; merge the bundle that has both',
    );
  }
  const { base, config } = bundle.manifest;
  checkSameBase(label.base, base);
  const { name, classNames, tailorRank } = as === undefined ? label.group : renamed(label, as);
  checkName('group.name', name);
  for (const each of classNames) checkName('group.classNames', each);
  if (classNames.length === 0) throw new Error('group.classNames: expected at least one class, got none');
  const rank = tailorRank === config.tailorRank ? {} : { tailorRank };
  const group: TailorGroup = { name, classes: classNames.map((_, i) => first + i), classNames, ...rank };
  checkClashes('group', group, others);
  const pruned = config.pruned || label.pruned;
  checkShapes(tensors, tailorShapes({ ...config, pruned }, group, tensors));
  checkFinite(tensors);
  const content =
    as === undefined ? bytes : encodeTailorFile(tensors, { ...label, group: { name, classNames, tailorRank } });
  return { entry: { group, file: content }, pruned };
}

/** Runs `work`; whatever it throws becomes a {@link TailorError} about `file`. */
function asTailorError<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new TailorError(file, cause instanceof BundleError ? cause.problem : messageOf(cause), { cause });
  }
}

function renamed({ group }: TailorLabel, name: string): TailorLabel['group'] {
  return { ...group, name, classNames: group.classNames.length === 1 ? [name] : group.classNames };
}
