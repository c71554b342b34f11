import type { KindConfig } from '@learngene/kind';

/** The name of every class of a model, by class id. */
export function classNamesOf({ dit, groups }: KindConfig): string[] {
  const names = Array.from({ length: dit.classes }, (_, id) => `class ${id}`);
  for (const group of groups) {
    group.classes.forEach((id, i) => {
      names[id] = group.classNames?.[i] ?? group.name;
    });
  }
  return names;
}
