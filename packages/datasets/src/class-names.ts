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
