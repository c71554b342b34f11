import type { KindConfig } from '@learngene/kind';

/** The name of every class of a model, by class id. */
export function classNamesOf(model: KindConfig | { readonly classNames: readonly string[] }): string[] {
  if ('classNames' in model) return [...model.classNames];
  const { dit, groups } = model;
  const names = Array.from({ length: dit.classes }, (_, id) => `class ${id}`);
  for (const group of groups) {
    group.classes.forEach((id, i) => {
      names[id] = group.classNames?.[i] ?? group.name;
    });
  }
  return names;
}
