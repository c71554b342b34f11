import { listNames, normalName } from './class-names';
import { subset } from './subset';
import type { ImageDataset } from './types';

/** For every superclass, the names of its classes. */
export type ClassTable = Readonly<Record<string, readonly string[]>>;

/** The superclass of a class, or null where its images are left out. */
export type ClassRule = (className: string, label: number) => string | null;

/** A superclass with the labels of its classes. */
export interface ClassGroup {
  /** The superclass. */
  readonly name: string;
  /** The labels of its classes, ascending. */
  readonly classes: readonly number[];
}

/** Settings of {@link groupClasses} and {@link mergeClasses}. */
export interface MergeOptions {
  /** What happens with a class that the table does not name: an error (default), or its images are left out. */
  readonly missing?: 'error' | 'drop';
}

/**
 * Assigns classes to superclasses, by a table or by a function. Superclasses are in the table's order; with a function,
 * in the order in which the classes first name them.
 *
 * @throws RangeError where the table names a class that is not there, names one twice, leaves one out (unless `missing`
 *   is `'drop'`), or has a superclass without classes
 */
export function groupClasses(
  classes: readonly string[],
  table: ClassTable | ClassRule,
  options: MergeOptions = {},
): ClassGroup[] {
  const rule = typeof table === 'function' ? table : tableRule(classes, table, options);
  const groups = new Map<string, number[]>();
  if (typeof table !== 'function') for (const name of Object.keys(table)) groups.set(name, []);
  classes.forEach((className, label) => {
    const name = rule(className, label);
    if (name === null) return;
    const members = groups.get(name);
    if (members) members.push(label);
    else groups.set(name, [label]);
  });
  return Array.from(groups, ([name, members]) => ({ name, classes: members }));
}

function tableRule(classes: readonly string[], table: ClassTable, { missing = 'error' }: MergeOptions): ClassRule {
  const superclass = new Map<string, string>();
  const known = new Set(classes.map(normalName));
  for (const [name, members] of Object.entries(table)) {
    if (members.length === 0) throw new RangeError(`table: expected classes for "${name}", got none`);
    for (const member of members.map(normalName)) {
      if (!known.has(member)) {
        throw new RangeError(
          `table: expected classes of the dataset (${listNames(classes)}), got "${member}" in "${name}"`,
        );
      }
      const other = superclass.get(member);
      if (other !== undefined) {
        throw new RangeError(`table: expected every class once, got "${member}" in "${other}" and in "${name}"`);
      }
      superclass.set(member, name);
    }
  }
  const left = classes.filter((className) => !superclass.has(normalName(className)));
  if (left.length > 0 && missing === 'error') {
    throw new RangeError(
      `table: expected all ${classes.length} classes of the dataset, got none of ${listNames(left)}`,
    );
  }
  return (className) => superclass.get(normalName(className)) ?? null;
}

/**
 * Merges classes into superclasses; see {@link groupClasses} for tables, rules, order and errors. Images keep their
 * order and take the superclass's label; those of classes that are left out are not part of the result.
 */
export function mergeClasses(
  dataset: ImageDataset,
  table: ClassTable | ClassRule,
  options: MergeOptions = {},
): ImageDataset {
  const groups = groupClasses(dataset.classes, table, options);
  const labelOf = new Int32Array(dataset.classes.length).fill(-1);
  for (const [superlabel, { classes }] of groups.entries()) for (const label of classes) labelOf[label] = superlabel;
  const indices = Array.from(dataset.labels.keys()).filter((index) => labelOf[dataset.labels[index]] >= 0);
  return subset(dataset, indices, {
    classes: groups.map(({ name }) => name),
    labels: indices.map((index) => labelOf[dataset.labels[index]]),
  });
}
