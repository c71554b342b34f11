/** A class's name as names are compared: in Unicode's NFC, in which an accent is one spelling, not two. */
export function normalName(name: string): string {
  return name.normalize('NFC');
}

/** The label of the class with a name, in whichever of Unicode's spellings; -1 where there is none. */
export function classLabel(classes: readonly string[], name: string): number {
  const wanted = normalName(name);
  return classes.findIndex((known) => normalName(known) === wanted);
}

/** The first names of a list in quotes, for messages: names may hold commas. */
export function listNames(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).map((name) => JSON.stringify(name));
  return names.length > most ? `${shown.join(', ')} and ${names.length - most} more` : shown.join(', ');
}
