import { type ClassGroup, validateGroups } from '@learngene/nn';

/** Classes that share one set of tailors. A name may be any text: file names are derived from it safely. */
export type TailorGroup = ClassGroup & {
  /** Names of the classes for people, in the order of `classes`. */
  readonly classNames?: readonly string[];
};

/**
 * Checks the groups of a model.
 *
 * @param classes - number of classes; every class id is below it.
 * @throws Error on the first group that is malformed, and on a class that is out of range or in two groups.
 */
export function validateTailorGroups(groups: readonly TailorGroup[], classes: number): void {
  validateGroups(groups, { classes, fields: ['classNames'] });
  for (const [index, group] of groups.entries()) {
    const { classNames } = group;
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
