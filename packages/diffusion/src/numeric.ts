/** Rounds to the nearest whole number, halves to the even one (Python's and numpy's `round`, unlike `Math.round`). */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** `count` evenly spaced values from `start` to `end`, both included (just `start` where `count` is 1). */
export function linspace(start: number, end: number, count: number): Float64Array {
  const step = count > 1 ? (end - start) / (count - 1) : 0;
  return Float64Array.from({ length: count }, (_, i) => (i > 0 && i === count - 1 ? end : start + step * i));
}

/** The table's value at a fractional index, linear between entries. */
export function interpolate(table: ArrayLike<number>, index: number): number {
  const low = Math.min(Math.max(Math.floor(index), 0), table.length - 1);
  const high = Math.min(low + 1, table.length - 1);
  return index === low ? table[low] : table[low] + (index - low) * (table[high] - table[low]); // an end may be infinite
}

/** The fractional index at which an increasing table takes `value`, clamped to the table's ends. */
export function inverseInterpolate(table: ArrayLike<number>, value: number): number {
  const last = table.length - 1;
  if (last === 0 || value <= table[0]) return 0;
  if (value >= table[last]) return last;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (table[middle] <= value) low = middle;
    else high = middle;
  }
  return low + (value - table[low]) / (table[high] - table[low]);
}
