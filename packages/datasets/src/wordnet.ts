import { checkInteger } from './check';
import { listNames } from './class-names';
import type { ClassTable } from './merge-classes';

/** What is known of the classes and what they are kinds of. */
export interface IsAFacts {
  /** All classes whose leaves count. */
  readonly classes: readonly string[];
  /** The parents of every class and ancestor, in the order in which they are listed; a root has none. */
  readonly parents: ReadonlyMap<string, readonly string[]>;
}

/**
 * Lifts every class to its highest ancestor that has at most `mostLeaves` of the classes under it. The way up goes by the first
 * listed parent; the classes under an ancestor are counted by every way.
 *
 * @returns for every class the ancestor, or the class itself
 * @throws RangeError where `mostLeaves` is no whole number above 0
 */
export function liftClasses({ classes, parents }: IsAFacts, mostLeaves: number): Map<string, string> {
  checkInteger('mostLeaves', mostLeaves, 1);
  const leaves = new Map<string, number>();
  for (const className of classes) {
    const above = new Set([className]);
    for (const node of above) for (const parent of parents.get(node) ?? []) above.add(parent); // a set grows as it is walked
    for (const node of above) leaves.set(node, (leaves.get(node) ?? 0) + 1);
  }
  return new Map(
    classes.map((className) => {
      let highest = className;
      const seen = new Set([className]);
      for (;;) {
        const parent = parents.get(highest)?.[0];
        if (parent === undefined || seen.has(parent) || (leaves.get(parent) ?? 0) > mostLeaves) break;
        seen.add(parent);
        highest = parent;
      }
      return [className, highest] as const;
    }),
  );
}

/**
 * Reads a table of superclasses: JSON `{ "superclass": ["class", ...], ... }`, or lines of class, tab, superclass (TSV; lines
 * that begin with # are comments).
 *
 * @param name - the file, for errors
 * @throws RangeError for a text that is neither, with the line
 */
export function parseClassTable(text: string, name = 'table'): ClassTable {
  if (text.trimStart().startsWith('{')) return parseJsonTable(text, name);
  const groups = new Map<string, string[]>();
  for (const [className, superclass] of parseColumns(text, { name, columns: ['class', 'superclass'] })) {
    const members = groups.get(superclass);
    if (members) members.push(className);
    else groups.set(superclass, [className]);
  }
  if (groups.size === 0) throw new RangeError(`${name}: expected classes with their superclasses, got none`);
  return Object.fromEntries(groups);
}

/**
 * Reads names of classes: JSON `{ "class": "name", ... }`, or lines of class, tab, name (TSV; # begins a comment).
 *
 * @param name - the file, for errors
 * @throws RangeError for a text that is neither, and for a class that is named twice
 */
export function parseClassNames(text: string, name = 'names'): Readonly<Record<string, string>> {
  if (text.trimStart().startsWith('{')) {
    const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
    return parseJson(text, { name, isValue: isText, expected: '{ class: name, ... }' });
  }
  const names = new Map<string, string>();
  for (const [className, given] of parseColumns(text, { name, columns: ['class', 'name'] })) {
    if (names.has(className)) throw new RangeError(`${name}: expected every class once, got "${className}" twice`);
    names.set(className, given);
  }
  if (names.size === 0) throw new RangeError(`${name}: expected classes with their names, got none`);
  return Object.fromEntries(names);
}

function parseJsonTable(text: string, name: string): ClassTable {
  const isValue = (names: unknown): names is string[] =>
    Array.isArray(names) && names.every((member) => typeof member === 'string');
  return parseJson(text, { name, isValue, expected: '{ superclass: [class, ...], ... }' });
}

function parseJson<T>(
  text: string,
  { name, isValue, expected }: { name: string; isValue: (value: unknown) => value is T; expected: string },
): Readonly<Record<string, T>> {
  let table: Record<string, unknown>;
  try {
    table = JSON.parse(text);
  } catch (cause) {
    throw new RangeError(`${name}: cannot be read as JSON`, { cause });
  }
  if (Object.values(table).every(isValue)) return table as Record<string, T>;
  throw new RangeError(`${name}: expected ${expected}`);
}

/**
 * Splits a text of tabs into its rows; empty lines and lines that begin with # are left out.
 *
 * @throws RangeError for a row of another number of columns, or with an empty one
 */
export function parseColumns(
  text: string,
  { name, columns }: { name: string; columns: readonly string[] },
): string[][] {
  const rows: string[][] = [];
  for (const [number, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const row = line.split('\t').map((cell) => cell.trim());
    if (row.length !== columns.length || row.includes('')) {
      const got = JSON.stringify(line.slice(0, 60));
      throw new RangeError(`${name}: line ${number + 1}: expected ${columns.join(', tab, ')}, got ${got}`);
    }
    rows.push(row);
  }
  return rows;
}

/** Makes names different: those that are shared get their key in brackets: `crane (n02012849)`. */
export function distinctNames(entries: readonly (readonly [key: string, name: string])[]): Map<string, string> {
  const uses = new Map<string, number>();
  for (const [, name] of entries) uses.set(name, (uses.get(name) ?? 0) + 1);
  return new Map(entries.map(([key, name]) => [key, uses.get(name) === 1 ? name : `${name} (${key})`]));
}

/**
 * The part of a table that a dataset has classes for, so that a table of a whole dataset serves a part of it.
 *
 * @throws RangeError where the table does not name one of the classes
 */
export function tableFor(classes: readonly string[], table: ClassTable): ClassTable {
  const wanted = new Set(classes);
  const all = new Set(Object.values(table).flat());
  const left = classes.filter((className) => !all.has(className));
  if (left.length > 0)
    throw new RangeError(`table: expected all classes of the dataset, got none of ${listNames(left)}`);
  return Object.fromEntries(
    Object.entries(table).flatMap(([superclass, members]) => {
      const kept = members.filter((member) => wanted.has(member));
      return kept.length === 0 ? [] : [[superclass, kept] as const];
    }),
  );
}
