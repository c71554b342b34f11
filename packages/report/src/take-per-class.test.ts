import { describe, expect, test } from 'vitest';
import { takePerClass } from './take-per-class';

/** Two classes with three images each, of 1 by 2 grey pixels. */
const images = {
  data: Uint8Array.of(0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15),
  count: 6,
  height: 1,
  width: 2,
  channels: 1,
};

describe('takePerClass', () => {
  test.each([
    [0, []],
    [1, [0, 1, 10, 11]],
    [2, [0, 1, 2, 3, 10, 11, 12, 13]],
    [9, [...images.data]],
  ])('takes at most %i of each class', (most, data) => {
    const taken = takePerClass(images, 3, most);
    expect([...taken.data]).toEqual(data);
    expect(taken).toMatchObject({ count: data.length / 2, height: 1, width: 2, channels: 1 });
    expect(taken.data.buffer).not.toBe(images.data.buffer);
  });

  test.each<[string, number, number, string]>([
    ['a share that does not part the images', 4, 1, 'perClass: expected a divisor of 6 images, got 4'],
    ['no image a class', 0, 1, 'perClass: expected a divisor of 6 images, got 0'],
    ['half an image', 3, 0.5, 'most: expected a whole number of at least 0, got 0.5'],
  ])('refuses %s', (_, perClass, most, message) => {
    expect(() => takePerClass(images, perClass, most)).toThrow(message);
  });

  test('refuses images whose bytes are missing', () => {
    const cut = { ...images, data: images.data.subarray(1) };
    expect(() => takePerClass(cut, 3, 1)).toThrow('images.data: expected 12 bytes for [6, 1, 2, 1], got 11');
  });
});
