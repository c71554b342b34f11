import { type StoredTensor, spanOf } from './rebuild';
import type { Storage } from './storage';

/** A tensor by its name, and the bytes that it takes of its storage. */
interface Range {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Finds the names of tensors that have bytes of a storage in common, in the file's order. */
export function overlapping(tensors: ReadonlyMap<string, StoredTensor>): string[][] {
  const byStorage = new Map<Storage, Range[]>();
  for (const [name, { storage, byteOffset, shape, strides, elements }] of tensors) {
    const bytes = spanOf(shape, strides) * elements.width;
    if (bytes === 0) continue;
    const ranges = byStorage.get(storage) ?? [];
    ranges.push({ name, start: byteOffset, end: byteOffset + bytes });
    byStorage.set(storage, ranges);
  }
  const order = new Map([...tensors.keys()].map((name, position) => [name, position]));
  return [...byStorage.values()]
    .flatMap(joined)
    .map((names) => names.sort((a, b) => order.get(a)! - order.get(b)!))
    .sort(([a], [b]) => order.get(a)! - order.get(b)!);
}

/** The groups of two and more ranges that overlap, one with the next. */
function joined(ranges: readonly Range[]): string[][] {
  const groups: { names: string[]; end: number }[] = [];
  for (const { name, start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = groups.at(-1);
    if (last === undefined || start >= last.end) groups.push({ names: [name], end });
    else {
      last.names.push(name);
      last.end = Math.max(last.end, end);
    }
  }
  return groups.map(({ names }) => names).filter((names) => names.length > 1);
}
