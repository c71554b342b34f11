import { type ClassGroup, validateGroups } from '@learngene/nn';

/** Classes that share one set of tailors. The name may be any text; file names that are safe are derived from it. */
export type TailorGroup = ClassGroup & {
  /** Names of the classes for people, in the order of `classes`. */
  readonly classNames?: readonly string[];
  /** N_t of this group (default: `tailorRank` of the config). */
  readonly tailorRank?: number;
};

/**
 * Checks the groups of a model.
 *
 * @param classes - number of classes; every class id is below it.
 * @throws Error on the first group that is malformed, and on a class that is out of range or in two groups.
 */
export function validateTailorGroups(groups: readonly TailorGroup[], classes: number): void {
  validateGroups(groups, { classes, fields: ['classNames', 'tailorRank'] });
  for (const [index, group] of groups.entries()) {
    const { classNames, tailorRank } = group;
    if (tailorRank !== undefined && !(Number.isSafeInteger(tailorRank) && tailorRank >= 1)) {
      throw new Error(`groups[${index}].tailorRank: expected a positive integer, got ${String(tailorRank)}`);
    }
    if (classNames === undefined) continue;
    const at = `groups[${index}].classNames`;
    if (!Array.isArray(classNames) || classNames.some((name) => typeof name !== 'string')) {
      throw new Error(`${at}: expected strings, got ${JSON.stringify(classNames)}`);
    }
    if (classNames.length !== group.classes.length) {
      throw new Error(`${at}: expected ${group.classes.length} names, got ${classNames.length}`);
    }
  }
}

/**
 * A group's name as one part of a dotted tensor name. Dots and per cent signs are written as in a URL, and so is the g of a
 * name such as 'g0': files of an older format call the first group so.
 */
export function groupToKey(name: string): string {
  return name.replace(/[%.]|^g(?=\d+$)/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * The trees of the groups by name. Their keys in a file are those of {@link groupToKey} or, in the older format, places
 * such as 'g0'.
 */
export function byGroupName<T>(keyed: Readonly<Record<string, T>>, groups: readonly TailorGroup[]): Record<string, T> {
  const found: [string, T][] = [];
  for (const [place, { name }] of groups.entries()) {
    const key = [groupToKey(name), `g${place}`].find((candidate) => Object.hasOwn(keyed, candidate));
    if (key !== undefined) found.push([name, keyed[key]]);
  }
  return Object.fromEntries(found);
}
