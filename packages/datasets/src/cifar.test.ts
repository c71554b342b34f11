import { describe, expect, test } from 'vitest';
import { cifarDataset } from './cifar';

/** One record: labels, then planes of which pixel p holds (channel * 80 + p) mod 256. */
function record(...labels: number[]): Uint8Array {
  const planes = Uint8Array.from({ length: 3072 }, (_, i) => Math.floor(i / 1024) * 80 + (i % 1024));
  return Uint8Array.from([...labels, ...planes]);
}

const file = (name: string, ...records: Uint8Array[]) => ({
  name,
  bytes: Uint8Array.from(records.flatMap((r) => [...r])),
});

describe('cifarDataset', () => {
  test('reads the files in order and puts the colours of a pixel together', async () => {
    const data = cifarDataset([file('a', record(3), record(9)), file('b', record(0))], { variant: 'cifar-10' });
    expect([data.size, data.height, data.width, data.channels, [...data.labels]]).toEqual([3, 32, 32, 3, [3, 9, 0]]);
    expect(data.classes[3]).toBe('cat');
    const pixels = await data.read([1]);
    expect([...pixels.subarray(33 * 3, 34 * 3)]).toEqual([33, 113, 193]);
  });
  test('takes the fine or the coarse label of CIFAR-100', () => {
    const fine = cifarDataset([file('a', record(4, 72))], { variant: 'cifar-100-fine' });
    const coarse = cifarDataset([file('a', record(4, 72))], { variant: 'cifar-100-coarse' });
    expect([fine.labels[0], fine.classes.length, coarse.labels[0], coarse.classes.length]).toEqual([72, 100, 4, 20]);
  });
  test('refuses what does not fit', () => {
    const variant = 'cifar-10';
    expect(() => cifarDataset([file('a', record(10))], { variant })).toThrow(
      /^a: expected labels below 10, got 10 in record 0/,
    );
    expect(() => cifarDataset([file('a', record(1).slice(1))], { variant })).toThrow(
      /^a: expected records of 3073 bytes, got 3072/,
    );
    expect(() => cifarDataset([file('a')], { variant })).toThrow(/^a: expected records of 3073 bytes, got 0/);
    expect(() => cifarDataset([], { variant, classes: ['x'] })).toThrow(/^classes: expected 10, got 1/);
  });
});
