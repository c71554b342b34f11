/** More shards than any dataset has. */
const MOST_NAMES = 2 ** 16;

/**
 * Expands ranges and lists in braces as a shell does: `train-{000..009}.tar` is ten names, `{a,b}.tar` two. A range keeps the
 * zeros of its first number.
 *
 * @throws RangeError for braces that hold neither a rising range nor a list, and for more than 65,536 names
 */
export function expandBraces(pattern: string): string[] {
  const found = /\{([^{}]*)\}/.exec(pattern);
  if (found === null) {
    if (/[{}]/.test(pattern)) throw new RangeError(`${pattern}: expected braces in pairs`);
    return [pattern];
  }
  const [before, after] = [pattern.slice(0, found.index), pattern.slice(found.index + found[0].length)];
  const rest = expandBraces(after);
  const words = wordsOf(found[1], pattern, Math.floor(MOST_NAMES / rest.length));
  return words.flatMap((word) => rest.map((end) => `${before}${word}${end}`));
}

function wordsOf(inside: string, pattern: string, most: number): string[] {
  const range = /^(\d{1,15})\.\.(\d{1,15})$/.exec(inside);
  if (range === null) {
    const words = inside.split(',');
    if (words.length > 1 && !words.includes('')) return words;
    throw new RangeError(`${pattern}: expected {first..last} or {one,other}, got {${inside}}`);
  }
  const [first, last] = [Number(range[1]), Number(range[2])];
  const count = last - first + 1;
  if (count < 1 || count > most) {
    throw new RangeError(`${pattern}: expected a rising range of at most ${most} names, got {${inside}}`);
  }
  return Array.from({ length: count }, (_, i) => String(first + i).padStart(range[1].length, '0'));
}
