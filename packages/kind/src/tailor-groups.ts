import { type ClassGroup, classGates, validateGroups } from '@learngene/nn';

/**
 * Classes that share one set of tailors. A class may be in several groups: then the tailors of all of them add to its weight,
 * and its label row is that of the first group listed (the others hold a row for it that is not used). The name may be any text; file names that are safe are derived from it. */
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
 * @throws Error on the first group that is malformed, and on a class that is out of range, twice in a group, or of two names.
 */
export function validateTailorGroups(groups: readonly TailorGroup[], classes: number): void {
  validateGroups(groups, { classes, fields: ['classNames', 'tailorRank'], overlap: true });
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
  checkSameNames(groups);
}

/** The names of a group's classes; a group without names has its own for each. */
export function classNamesIn({ name, classes, classNames }: TailorGroup): readonly string[] {
  return classNames ?? classes.map(() => name);
}

/** Two spellings of one name in Unicode are one name. */
export const sameName = (a: string, b: string): boolean => a.normalize('NFC') === b.normalize('NFC');

/** Throws where a class has one name in one group and another name in another. */
function checkSameNames(groups: readonly TailorGroup[]): void {
  const names = new Map<number, string>();
  for (const [index, { classes, classNames }] of groups.entries()) {
    for (const [row, id] of classNames ? classes.entries() : []) {
      const [first, name] = [names.get(id), classNames![row]];
      if (first !== undefined && !sameName(first, name)) {
        const wanted = `'${first}' for class ${id}, as in another group`;
        throw new Error(`groups[${index}].classNames: expected ${wanted}, got '${name}'`);
      }
      names.set(id, name);
    }
  }
}

/** Whether a class of a group is in another group too. */
export function sharesClasses(groups: readonly TailorGroup[], group: TailorGroup): boolean {
  const gates = classGates(groups);
  return group.classes.some((id) => gates.get(id)!.groups.length > 1);
}

/**
 * Every set of groups that some class uses, as indices in the list of groups. Classes of one set have the same weights; a model
 * of one set can be a dense one.
 */
export function openedGates(groups: readonly TailorGroup[]): (readonly number[])[] {
  const gates = [...classGates(groups).values()].sort((a, b) => a.order - b.order);
  return [...new Map(gates.map((gate) => [gate.order, gate.groups])).values()];
}

/** For every set of groups that some class uses, the sum of a number of each group. */
export function sumsByGate(groups: readonly TailorGroup[], of: (group: TailorGroup) => number): number[] {
  return openedGates(groups).map((gate) => gate.reduce((total, index) => total + of(groups[index]), 0));
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
