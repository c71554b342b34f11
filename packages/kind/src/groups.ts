/** Classes that share one set of tailors. */
export type TailorGroup = {
  /** Unique, not empty, at most 200 characters; any text: file names are derived from it safely. */
  readonly name: string;
  /** Class ids, each in [0, classes); row i of the group's label rows belongs to `classes[i]`. */
  readonly classes: readonly number[];
  /** Names of the classes for people, in the order of `classes`. */
  readonly classNames?: readonly string[];
};

/** Where a class lives: its group and its row in that group's label rows. */
export type ClassPlace = {
  /** Index of the group in the config's `groups`. */
  readonly group: number;
  /** Row of the group's label rows. */
  readonly row: number;
};

const GROUP_FIELDS = ['name', 'classes', 'classNames'];

/** Throws on the first group that is malformed, or a class that is out of range or in two groups. */
export function validateGroups(groups: readonly TailorGroup[], classes: number): void {
  if (!Array.isArray(groups)) throw new Error(`groups: expected an array, got ${String(groups)}`);
  const names = new Set<string>();
  const owner = new Map<number, string>();
  for (const [index, group] of groups.entries()) {
    const at = `groups[${index}]`;
    for (const field of Object.keys(group ?? {})) {
      if (GROUP_FIELDS.includes(field)) continue;
      throw new Error(`${at}: expected only ${GROUP_FIELDS.join(', ')}, got ${JSON.stringify(field.slice(0, 80))}`);
    }
    if (typeof group?.name !== 'string' || group.name.length === 0 || group.name.length > 200) {
      throw new Error(`${at}.name: expected 1 to 200 characters, got ${JSON.stringify(group?.name)}`);
    }
    if (group.name === '__proto__') throw new Error(`${at}.name: '__proto__' is not allowed`);
    if (names.has(group.name)) throw new Error(`${at}.name: '${group.name}' is used twice`);
    names.add(group.name);
    if (!Array.isArray(group.classes) || group.classes.length === 0) {
      throw new Error(`${at}.classes: expected at least one class, got ${JSON.stringify(group.classes)}`);
    }
    for (const id of group.classes) {
      if (!Number.isSafeInteger(id) || id < 0 || id >= classes) {
        throw new Error(`${at}.classes: expected integers in [0, ${classes}), got ${String(id)}`);
      }
      const other = owner.get(id);
      if (other !== undefined) throw new Error(`${at}.classes: class ${id} is already in group '${other}'`);
      owner.set(id, group.name);
    }
    const { classNames } = group;
    if (classNames === undefined) continue;
    if (!Array.isArray(classNames) || classNames.some((name) => typeof name !== 'string')) {
      throw new Error(`${at}.classNames: expected strings, got ${JSON.stringify(classNames)}`);
    }
    if (classNames.length !== group.classes.length) {
      throw new Error(`${at}.classNames: expected ${group.classes.length} names, got ${classNames.length}`);
    }
  }
}

const places = new WeakMap<readonly TailorGroup[], ReadonlyMap<number, ClassPlace>>();

/** The map from class id to group and row. Computed once for every array of groups. */
export function classPlaces(groups: readonly TailorGroup[]): ReadonlyMap<number, ClassPlace> {
  const known = places.get(groups);
  if (known) return known;
  const map = new Map(groups.flatMap((g, group) => g.classes.map((id, row) => [id, { group, row }] as const)));
  places.set(groups, map);
  return map;
}

/** The group named `name`; throws with the known names if there is none. */
export function groupByName(groups: readonly TailorGroup[], name: string): TailorGroup {
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
