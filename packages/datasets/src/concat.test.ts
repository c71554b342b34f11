import { describe, expect, test } from 'vitest';
import { concatDatasets } from './concat';
import { inMemoryDataset } from './memory';

const of = (name: string, values: readonly number[], more: { width?: number; classes?: string[] } = {}) =>
  inMemoryDataset({
    name,
    images: Uint8Array.from(values.flatMap((value) => new Array<number>(more.width ?? 2).fill(value))),
    labels: values.map((value) => value % 2),
    height: 1,
    width: more.width ?? 2,
    channels: 1,
    classes: more.classes ?? ['even', 'odd'],
  });

describe('concatDatasets', () => {
  test('reads across the parts, in the order asked for', async () => {
    const all = concatDatasets([of('a', [1, 2, 3]), of('none', []), of('b', [4, 5])]);
    expect([all.name, all.size, [...all.labels]]).toEqual(['a + none + b', 5, [1, 0, 1, 0, 1]]);
    expect([...(await all.read([4, 0, 3, 0]))]).toEqual([5, 5, 1, 1, 4, 4, 1, 1]);
    await expect(all.read([5])).rejects.toThrow('indices: expected integers from 0 to 4 (a + none + b), got 5 at 0');
    expect(concatDatasets([of('a', [1])], { name: 'one' }).name).toBe('one');
  });

  test('refuses none, other sizes and other classes', () => {
    expect(() => concatDatasets([])).toThrow('datasets: expected at least one, got none');
    expect(() => concatDatasets([of('a', [1]), of('b', [1], { width: 3 })])).toThrow(
      'b: expected images of 1x2x1, got 1x3x1',
    );
    expect(() => concatDatasets([of('a', [1]), of('b', [1], { classes: ['odd', 'even'] })])).toThrow(
      'b: expected the classes of a, got others',
    );
  });
});
