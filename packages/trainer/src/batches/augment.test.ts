import { createGenerator } from '@learngene/random';
import { expect, test } from 'vitest';
import { augment } from './augment';

const shape = [3, 4, 3] as const;

/** Every pixel with a value of its own in each channel. */
const image = () => Uint8Array.from({ length: 36 }, (_, i) => 10 * Math.floor(i / 3) + (i % 3));

test('what is off changes nothing', () => {
  const images = image();
  augment(images, { shape, augmentation: { shift: 0, permuteChannels: 0 }, generator: createGenerator(1) });
  expect(images).toEqual(image());
});

test('an image is moved by at most as many pixels as asked for, and its edge is repeated', () => {
  const moves = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const images = image();
    augment(images, { shape, augmentation: { shift: 1, permuteChannels: 0 }, generator: createGenerator(seed) });
    const found = [-1, 0, 1].flatMap((down) =>
      [-1, 0, 1]
        .filter((right) => {
          const moved = Array.from({ length: 12 }, (_, at) => {
            const y = Math.min(2, Math.max(0, Math.floor(at / 4) - down));
            const x = Math.min(3, Math.max(0, (at % 4) - right));
            return 10 * (4 * y + x);
          });
          return moved.every((value, at) => images[3 * at] === value);
        })
        .map((right) => `${down},${right}`),
    );
    expect(found).toHaveLength(1);
    moves.add(found[0]);
  }
  expect(moves.size).toBe(9);
});

test('channels are put in all six orders, the same for a whole image, as often as asked for', () => {
  const orders = new Map<string, number>();
  for (let seed = 0; seed < 200; seed++) {
    const images = image();
    augment(images, { shape, augmentation: { shift: 0, permuteChannels: 0.5 }, generator: createGenerator(seed) });
    const order = [...images.subarray(0, 3)].join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
    for (let at = 0; at < 12; at++) {
      expect([...images.subarray(3 * at, 3 * at + 3)].map((value) => value - 10 * at).join('')).toBe(order);
    }
  }
  expect(orders.size).toBe(6);
  const unchanged = orders.get('012') as number; // half of the images, and a sixth of the rest
  expect(unchanged).toBeGreaterThan(90);
  expect(unchanged).toBeLessThan(145);
});

test('the draws of a step depend on its generator alone', () => {
  const one = image();
  const two = image();
  const augmentation = { shift: 2, permuteChannels: 1 };
  augment(one, { shape, augmentation, generator: createGenerator(3) });
  augment(two, { shape, augmentation, generator: createGenerator(3) });
  expect(one).toEqual(two);
  expect(one).not.toEqual(image());
});
