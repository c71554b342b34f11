import { checkCount } from '../core/check';

/** Classes that share parameters of their own, such as one set of tailors or one adapter. */
export interface ClassGroup {
  /** Unique, 1 to 200 characters. */
  readonly name: string;
  /**
   * Class ids; row i of the group's label rows belongs to `classes[i]`. A class is in at most one group, unless its owner
   * allows several: then it uses the parameters of all of them, and the label row of the first group listed.
   */
  readonly classes: readonly number[];
}

/** Where a class lives: the first group that lists it, and its row in that group's label rows. */
export interface ClassPlace {
  /** Index of the group in the list of groups. */
  readonly group: number;
  /** Row of the group's label rows. */
  readonly row: number;
}

/** The groups of a class, in the order of the list of groups. */
export interface ClassGate {
  /** Indices of the groups in the list of groups, ascending. */
  readonly groups: readonly number[];
  /** Rank of this combination of groups among those of all classes, compared group by group. */
  readonly order: number;
}

/** Further rules of {@link validateGroups}. Names and classes must be distinct in any case. */
export interface GroupRules {
  /** Class ids are below this number (default: no upper bound). */
  readonly classes?: number;
  /** Fields that a group may have beside `name` and `classes` (default none). */
  readonly fields?: readonly string[];
  /** Whether a class may be in several groups (default false). */
  readonly overlap?: boolean;
}

/** Most classes of a label space, as in `@learngene/dit`. */
const MAX_CLASSES = 2 ** 16;

/**
 * One group that holds the classes 0 to `classes` - 1: all of them share its parameters.
 *
 * @param classes A whole number from 1 to 65536.
 * @throws Error if `classes` is out of range.
 */
export function sharedGroup(classes: number): ClassGroup[] {
  checkClasses(classes);
  return [{ name: 'all', classes: Array.from({ length: classes }, (_, id) => id) }];
}

/**
 * One group for each class 0 to `classes` - 1, named `class-<id>`.
 *
 * @param classes A whole number from 1 to 65536.
 * @throws Error if `classes` is out of range.
 */
export function groupPerClass(classes: number): ClassGroup[] {
  checkClasses(classes);
  return Array.from({ length: classes }, (_, id) => ({ name: `class-${id}`, classes: [id] }));
}

function checkClasses(classes: number): void {
  checkCount('classes', classes, 1);
  if (classes > MAX_CLASSES) throw new Error(`classes: expected at most ${MAX_CLASSES}, got ${classes}`);
}

/**
 * Checks a list of groups.
 *
 * @throws Error that names the first field that is unknown or out of range, the name that is used twice, or the class that
 * is in two groups where none may be, or twice in one.
 */
export function validateGroups(groups: readonly ClassGroup[], rules: GroupRules = {}): void {
  if (!Array.isArray(groups)) throw new Error(`groups: expected an array, got ${String(groups)}`);
  const names = new Set<string>();
  const owners = new Map<number, string>();
  for (const [index, group] of groups.entries()) {
    const at = `groups[${index}]`;
    checkFields(at, group, rules);
    checkName(at, group, names);
    checkIds(at, group, rules, owners);
  }
}

function checkFields(at: string, group: ClassGroup, { fields = [] }: GroupRules): void {
  const known = ['name', 'classes', ...fields];
  const odd = Object.keys(group ?? {}).find((field) => !known.includes(field));
  if (odd !== undefined) throw new Error(`${at}: expected only ${known.join(', ')}, got ${quoted(odd)}`);
}

function checkName(at: string, group: ClassGroup, names: Set<string>): void {
  const name: unknown = group?.name;
  if (typeof name !== 'string' || name.length === 0 || name.length > 200) {
    throw new Error(`${at}.name: expected 1 to 200 characters, got ${quoted(name)}`);
  }
  if (name === '__proto__') throw new Error(`${at}.name: '__proto__' is not allowed`);
  if (names.has(name)) throw new Error(`${at}.name: '${name}' is used twice`);
  names.add(name);
}

function checkIds(
  at: string,
  { name, classes }: ClassGroup,
  { classes: bound = Number.POSITIVE_INFINITY, overlap = false }: GroupRules,
  owners: Map<number, string>,
): void {
  if (!Array.isArray(classes) || classes.length === 0) {
    throw new Error(`${at}.classes: expected at least one class, got ${quoted(classes)}`);
  }
  for (const id of classes) {
    if (!Number.isSafeInteger(id) || id < 0 || id >= bound) {
      const range = bound === Number.POSITIVE_INFINITY ? 'of at least 0' : `in [0, ${bound})`;
      throw new Error(`${at}.classes: expected integers ${range}, got ${String(id)}`);
    }
    const owner = owners.get(id);
    if (owner === name || (owner !== undefined && !overlap)) {
      throw new Error(`${at}.classes: class ${id} is already in group '${owner}'`);
    }
    owners.set(id, name);
  }
}

/** Formats a value for a message: its JSON, cut to 80 characters. */
function quoted(value: unknown): string {
  if (typeof value === 'string' && value.length > 80) return JSON.stringify(`${value.slice(0, 80)}…`);
  return (JSON.stringify(value) ?? String(value)).slice(0, 240);
}

const places = new WeakMap<readonly ClassGroup[], ReadonlyMap<number, ClassPlace>>();

/** The map from class id to its first group and its row there. Computed once for every array of groups. */
export function classPlaces(groups: readonly ClassGroup[]): ReadonlyMap<number, ClassPlace> {
  const known = places.get(groups);
  if (known) return known;
  const map = new Map<number, ClassPlace>();
  for (const [group, { classes }] of groups.entries()) {
    for (const [row, id] of classes.entries()) if (!map.has(id)) map.set(id, { group, row });
  }
  places.set(groups, map);
  return map;
}

const gates = new WeakMap<readonly ClassGroup[], ReadonlyMap<number, ClassGate>>();

/** The map from class id to all groups that list it. Computed once for every array of groups. */
export function classGates(groups: readonly ClassGroup[]): ReadonlyMap<number, ClassGate> {
  const known = gates.get(groups);
  if (known) return known;
  const lists = new Map<number, number[]>();
  for (const [group, { classes }] of groups.entries()) {
    for (const id of classes) lists.set(id, [...(lists.get(id) ?? []), group]);
  }
  const distinct = [...new Map([...lists.values()].map((list) => [list.join(), list])).values()].sort(byGroups);
  const order = new Map(distinct.map((list, i) => [list.join(), i]));
  const map = new Map([...lists].map(([id, list]) => [id, { groups: list, order: order.get(list.join())! }]));
  gates.set(groups, map);
  return map;
}

function byGroups(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((group, i) => group !== b[i]);
  return at < 0 ? a.length - b.length : at < b.length ? a[at] - b[at] : 1;
}

/**
 * The group of that name.
 *
 * @throws Error with the known names if there is none.
 */
export function groupByName<G extends ClassGroup>(groups: readonly G[], name: string): G {
  const group = groups.find((candidate) => candidate.name === name);
  if (group) return group;
  throw new Error(`group: expected one of ${listNames(groups.map((g) => g.name))}, got '${name}'`);
}

/** At most eight names for a message. */
export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 8).map((name) => `'${name}'`);
  if (names.length > 8) shown.push(`... (${names.length} in all)`);
  return shown.length ? shown.join(', ') : 'none';
}
