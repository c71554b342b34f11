/** 0 to `count` in so many ranges of about the same length; empty ones are left out. */
export function rangesOf(count: number, parts: number): [from: number, to: number][] {
  const end = (part: number): number => Math.floor((count * part) / parts);
  return Array.from({ length: parts }, (_, part): [number, number] => [end(part), end(part + 1)]).filter(
    ([from, to]) => to > from,
  );
}

/** `count` rounded up to a multiple. */
export function up(count: number, multiple: number): number {
  return Math.ceil(count / multiple) * multiple;
}

/** Parts for each thread of a job: a thread that was held up delays the others by little. */
export const PARTS_A_THREAD = 4;
