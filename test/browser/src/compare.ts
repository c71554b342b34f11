/** Named results of a page, each a list of numbers. */
export type Numbers = Readonly<Record<string, readonly number[]>>;

/**
 * The largest difference of two lists relative to the largest magnitude of `expected`; Infinity where one of them holds
 * what is not finite.
 */
export function relativeDifference(actual: readonly number[], expected: readonly number[]): number {
  const scale = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  let worst = 0;
  for (const [i, value] of expected.entries()) {
    const difference = Math.abs(actual[i] - value);
    if (!Number.isFinite(difference)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, difference);
  }
  return worst === 0 ? 0 : worst / scale;
}

/**
 * One line for each result that is farther from the expected one than `tolerance`, relative to its scale, or has another
 * length, or is on one side alone; none where all agree.
 */
export function differences(actual: Numbers, expected: Numbers, tolerance: number): string[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
  return names.flatMap((name) => {
    const [got, wanted] = [actual[name], expected[name]];
    if (!got || !wanted) return [`${name}: ${got ? 'not expected' : 'missing'}`];
    if (got.length !== wanted.length) return [`${name}: expected ${wanted.length} numbers, got ${got.length}`];
    const difference = relativeDifference(got, wanted);
    if (difference <= tolerance) return [];
    const i = worstIndex(got, wanted);
    const place = got.length > 1 ? `[${i}]` : '';
    return [
      `${name}: differs by ${difference.toExponential(1)} of its scale, expected at most ${tolerance}; ` +
        `${name}${place} is ${got[i]}, expected ${wanted[i]}`,
    ];
  });
}

function worstIndex(actual: readonly number[], expected: readonly number[]): number {
  const notFinite = expected.findIndex((value, i) => !Number.isFinite(actual[i] - value));
  if (notFinite >= 0) return notFinite;
  return expected.reduce(
    (worst, value, i) => (Math.abs(actual[i] - value) > Math.abs(actual[worst] - expected[worst]) ? i : worst),
    0,
  );
}
