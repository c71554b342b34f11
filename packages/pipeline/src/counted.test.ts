import { expect, test } from 'vitest';
import { counted } from './counted';

test.each([
  [0, 'image', undefined, '0 images'],
  [1, 'image', undefined, '1 image'],
  [1, 'novel class', 'novel classes', '1 novel class'],
  [2, 'novel class', 'novel classes', '2 novel classes'],
  [12_345, 'step', undefined, '12,345 steps'],
])('%i %s', (count, one, many, expected) => expect(counted(count, one, many)).toBe(expected));
