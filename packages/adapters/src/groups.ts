import { MAX_DIT_SIZE } from '@learngene/dit';
import { checkCount, checkFields, shown } from './checks';

/** Classes that share one adapter. One group of all classes: a shared adapter. One group a class: an adapter a class. */
export type AdapterGroup = {
  /** Unique, 1 to 200 characters without a dot. */
  readonly name: string;
  /** Class ids of the label space that the adapters are for; row i of the group's label rows belongs to `classes[i]`. */
  readonly classes: readonly number[];
};

/** Where a class lives. */
export type ClassPlace = {
  /** Index of the group. */
  readonly group: number;
  /** Row of the group's label rows. */
  readonly row: number;
};

/** One group with all classes 0 to `classes` - 1: an adapter that they share. */
export function sharedGroup(classes: number): AdapterGroup[] {
  checkCount('classes', classes, MAX_DIT_SIZE);
  return [{ name: 'all', classes: Array.from({ length: classes }, (_, id) => id) }];
}

/** One group a class, named 'class-<id>'. */
export function groupPerClass(classes: number): AdapterGroup[] {
  checkCount('classes', classes, MAX_DIT_SIZE);
  return Array.from({ length: classes }, (_, id) => ({ name: `class-${id}`, classes: [id] }));
}

/** Throws unless the groups are well formed and hold the classes 0 to n - 1, each once; returns n. */
export function checkGroups(groups: readonly AdapterGroup[]): number {
  if (!Array.isArray(groups) || groups.length === 0) {
    throw new Error(`groups: expected at least one group, got ${shown(groups)}`);
  }
  const names = new Set<string>();
  const owners = new Map<number, string>();
  for (const [index, group] of groups.entries()) {
    const at = `groups[${index}]`;
    checkFields(at, group ?? {}, ['name', 'classes']);
    const { name, classes } = (group ?? {}) as Partial<AdapterGroup>;
    if (typeof name !== 'string' || !/^[^.]{1,200}$/s.test(name) || name === '__proto__') {
      throw new Error(`${at}.name: expected 1 to 200 characters without a dot, got ${shown(name)}`);
    }
    if (names.has(name)) throw new Error(`${at}.name: ${shown(name)} is used twice`);
    names.add(name);
    if (!Array.isArray(classes) || classes.length === 0) {
      throw new Error(`${at}.classes: expected at least one class, got ${shown(classes)}`);
    }
    for (const id of classes) {
      if (!Number.isSafeInteger(id) || id < 0) throw new Error(`${at}.classes: expected class ids, got ${shown(id)}`);
      const owner = owners.get(id);
      if (owner !== undefined) throw new Error(`${at}.classes: class ${id} is already in group ${shown(owner)}`);
      owners.set(id, name);
    }
  }
  for (let id = 0; id < owners.size; id++) {
    if (!owners.has(id)) throw new Error(`groups: expected classes 0 to ${owners.size - 1}, each once, got no ${id}`);
  }
  return owners.size;
}

const places = new WeakMap<readonly AdapterGroup[], ReadonlyMap<number, ClassPlace>>();

/** The map from class id to group and row. Computed once for every array of groups. */
export function classPlaces(groups: readonly AdapterGroup[]): ReadonlyMap<number, ClassPlace> {
  const known = places.get(groups);
  if (known) return known;
  const map = new Map(groups.flatMap((g, group) => g.classes.map((id, row) => [id, { group, row }] as const)));
  places.set(groups, map);
  return map;
}
