/**
 * A number with what it counts: '1 class', '2,000 classes'.
 *
 * @param many The word for several (default: `one` with an s).
 */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}
