import { closest, distance } from 'fastest-levenshtein';

/**
 * The known word that a wrong one may stand for: the same word in another case, else the nearest one within two edits
 * or a third of its length. Undefined where none is near.
 */
export function nearestWord<T extends string>(word: string, words: readonly T[]): T | undefined {
  if (words.length === 0) return undefined;
  const lower = word.toLowerCase();
  const folded = words.map((other) => other.toLowerCase());
  const nearest = closest(lower, folded);
  const edits = distance(lower, nearest);
  const most = Math.min(Math.max(2, word.length / 3), word.length - 1);
  return edits > 0 && edits > most ? undefined : words[folded.indexOf(nearest)];
}
