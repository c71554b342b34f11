import { readFixture } from '@learngene/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { centerCrop } from './center-crop';

interface Fixture {
  crops: { width: number; height: number; size: number; pixels: string }[];
}

const pillow = readFixture<Fixture>(import.meta.url, '../fixtures/pillow.json');

/** The synthetic image of tools/fixtures/make_datasets.py. */
function synthetic(width: number, height: number) {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const c = i % 3;
    const x = Math.floor(i / 3) % width;
    const y = Math.floor(i / 3 / width);
    const noise = (x * 7919 + y * 104729 + c * 1299709 + x * y * 31) % 61;
    const edges = ((Math.floor(x / 9) + Math.floor(y / 7) + c) % 3) * 70;
    data[i] = (edges + x + 2 * y + noise) % 256;
  }
  return { data, width, height, channels: 3 };
}

describe('the centre crop of Pillow, bit for bit', () => {
  test.each(pillow.crops)('$width x $height to $size', ({ width, height, size, pixels }) => {
    expect(Buffer.from(centerCrop(synthetic(width, height), size)).toString('base64')).toBe(pixels);
  });
});

test('a flat image stays flat at every size', () => {
  const side = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(side, side, side, fc.nat(255), (width, height, size, value) => {
      const data = new Uint8Array(width * height).fill(value);
      expect(centerCrop({ data, width, height, channels: 1 }, size)).toEqual(new Uint8Array(size * size).fill(value));
    }),
    { numRuns: 60 },
  );
});

test('an image of the size is cut, not resampled', () => {
  const image = synthetic(8, 8);
  expect(centerCrop(image, 8)).toEqual(image.data);
  expect(centerCrop(image, 8)).not.toBe(image.data);
});

test.each<[Parameters<typeof centerCrop>, RegExp]>([
  [[synthetic(4, 4), 0], /^size: expected an integer of at least 1, got 0/],
  [[{ ...synthetic(4, 4), width: 0 }, 4], /^width: .*got 0/],
  [[{ ...synthetic(4, 4), height: 5 }, 4], /^data: expected 5 x 4 x 3 bytes, got 48/],
])('refuses %#', (args, message) => {
  expect(() => centerCrop(...args)).toThrow(message);
});
