import type { ImageDataset } from './types';

/** Normalises a class name for comparison to Unicode's NFC, in which an accented letter has one spelling. */
export function normalName(name: string): string {
  return name.normalize('NFC');
}

/** Returns the label of the class with a name, compared in NFC; -1 where there is none. */
export function classLabel(classes: readonly string[], name: string): number {
  const wanted = normalName(name);
  return classes.findIndex((known) => normalName(known) === wanted);
}

/** Formats the first names of a list for messages, in quotes because names may hold commas. */
export function listNames(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).map((name) => JSON.stringify(name));
  return names.length > most ? `${shown.join(', ')} and ${names.length - most} more` : shown.join(', ');
}

/**
 * Gives the classes of a dataset other names; labels and images stay. A table may hold more names than are needed.
 *
 * @throws RangeError for a class without a name, and where two get the same name
 */
export function renameClasses(dataset: ImageDataset, names: Readonly<Record<string, string>>): ImageDataset {
  const table = new Map(Object.entries(names).map(([key, name]) => [normalName(key), name]));
  const left = dataset.classes.filter((name) => !table.has(normalName(name)));
  if (left.length > 0)
    throw new RangeError(`names: expected names of all classes of ${dataset.name}, got none of ${listNames(left)}`);
  const classes = dataset.classes.map((name) => normalName(table.get(normalName(name)) as string));
  const twice = classes.find((name, i) => classes.indexOf(name) !== i);
  if (twice !== undefined) throw new RangeError(`names: expected different names, got ${JSON.stringify(twice)} twice`);
  return { ...dataset, classes };
}
