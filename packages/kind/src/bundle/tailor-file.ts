import { decodeSafetensors, encodeSafetensors, type NamedTensors } from '@learngene/tensor-io';
import { type KindSettings, tailorRankOf } from '../config-types';
import { classNamesIn, sharesClasses, type TailorGroup } from '../tailor-groups';
import { asBundleError } from './bundle-error';
import { onlyKeys, record, shown } from './json-checks';

const FORMAT = 'learngene-tailor';
const VERSION = '1';

/** What the file of a group says of itself, so that it can be sent alone. */
export interface TailorLabel {
  /** Hash of the base that the tailors are made for. */
  readonly base: string;
  /** The group, with as many class names as it has classes. */
  readonly group: {
    readonly name: string;
    readonly classNames: readonly string[];
    /** N_t of the group. */
    readonly tailorRank: number;
  };
  /** Whether layers may hold fewer components, see `KindSettings.pruned`. */
  readonly pruned: boolean;
  /** Whether one of its classes is in another group too, so that these tailors are only a part of it. */
  readonly partial: boolean;
}

/** The file of a group's tailors. */
export interface TailorFile {
  /** Undefined in the file of an older bundle. */
  readonly label: TailorLabel | undefined;
  readonly tensors: NamedTensors;
}

/** The label of the tailors of a group of a config. */
export function tailorLabel(group: TailorGroup, base: string, config: LabelledConfig): TailorLabel {
  const { name } = group;
  const described = { name, classNames: classNamesIn(group), tailorRank: tailorRankOf(config, group) };
  return { base, group: described, pruned: config.pruned, partial: sharesClasses(config.groups, group) };
}

/** What of a config stands in a label. */
type LabelledConfig = Pick<KindSettings, 'tailorRank' | 'pruned' | 'groups'>;

/** The bytes of the file, the same for the same label and tensors. */
export function encodeTailorFile(tensors: NamedTensors, { base, group, pruned, partial }: TailorLabel): Uint8Array {
  const { name, classNames, tailorRank } = group;
  const text = JSON.stringify({ name, classNames, tailorRank, ...(pruned && { pruned }), ...(partial && { partial }) });
  return encodeSafetensors(tensors, { metadata: { format: FORMAT, version: VERSION, base, group: text } });
}

/** The most bytes that the label of a group adds to its file. */
export function labelBytes(group: TailorGroup): number {
  // A character of the group is escaped twice; JSON.stringify shows the first time.
  const text = JSON.stringify({ name: group.name, classNames: classNamesIn(group) });
  return 512 + 2 * new TextEncoder().encode(text).length;
}

/**
 * Reads the file of a group.
 *
 * @param file - named in errors
 * @throws BundleError where it is no safetensors file, or its label is malformed
 */
export function decodeTailorFile(file: string, bytes: Uint8Array): TailorFile {
  return asBundleError(file, () => {
    const { tensors, metadata } = decodeSafetensors(bytes, { name: 'safetensors' });
    return { label: parseLabel(metadata), tensors };
  });
}

function parseLabel(metadata: Readonly<Record<string, string>>): TailorLabel | undefined {
  const own = (key: string) => (Object.hasOwn(metadata, key) ? metadata[key] : undefined);
  if (own('format') !== FORMAT) return undefined;
  if (own('version') !== VERSION) throw new Error(`version: expected ${VERSION}, got ${shown(own('version'))}`);
  const base = own('base');
  if (base === undefined || !/^[0-9a-f]{64}$/.test(base)) {
    throw new Error(`base: expected 64 hexadecimal digits, got ${shown(base)}`);
  }
  const group = record('group', JSON.parse(own('group') ?? 'null'));
  onlyKeys('group', group, ['name', 'classNames', 'tailorRank', 'pruned', 'partial']);
  const { name, classNames, tailorRank, pruned = false, partial = false } = group;
  if (typeof name !== 'string') throw new Error(`group.name: expected a string, got ${shown(name)}`);
  if (!Array.isArray(classNames) || classNames.some((each) => typeof each !== 'string')) {
    throw new Error(`group.classNames: expected strings, got ${shown(classNames)}`);
  }
  if (!Number.isSafeInteger(tailorRank) || (tailorRank as number) < 1) {
    throw new Error(`group.tailorRank: expected a positive integer, got ${shown(tailorRank)}`);
  }
  if (typeof pruned !== 'boolean') throw new Error(`group.pruned: expected true or false, got ${shown(pruned)}`);
  if (typeof partial !== 'boolean') throw new Error(`group.partial: expected true or false, got ${shown(partial)}`);
  return { base, group: { name, classNames, tailorRank: tailorRank as number }, pruned, partial };
}
