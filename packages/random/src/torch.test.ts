import { createHash } from 'node:crypto';
import { readFixture } from '@learngene/testing';
import { describe, expect, test } from 'vitest';
import {
  bernoulli,
  createGenerator,
  normal,
  permutation,
  randomIntegers,
  restoreGenerator,
  saveGenerator,
  uniform,
} from './index';

interface Case {
  seed: number;
  size: number;
  head: number[];
  tail: number[];
  sha256: string;
  low?: number;
  high?: number;
  mean?: number;
  std?: number;
}

interface Fixture {
  uniform: Case[];
  normal: Case[];
  integers: (Case & { high: number })[];
  permutation: Case[];
  sequence: { draw: string; values: number[] }[];
}

const torch = readFixture<Fixture>(import.meta.url, '../fixtures/torch.json');

function expectSame(values: Float32Array | Int32Array, expected: Case): void {
  expect(Array.from(values.slice(0, 8))).toEqual(expected.head);
  expect(Array.from(values.slice(-8))).toEqual(expected.tail);
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(expected.sha256);
}

describe('the numbers of torch, bit for bit', () => {
  test.each(torch.uniform)('uniform: seed $seed, size $size, $low to $high', (c) => {
    expectSame(uniform(createGenerator(c.seed), c.size, c), c);
  });
  test.each(torch.normal)('normal: seed $seed, size $size, mean $mean, std $std', (c) => {
    expectSame(normal(createGenerator(c.seed), c.size, c), c);
  });
  test.each(torch.integers)('randomIntegers: seed $seed, $low to $high', (c) => {
    expectSame(randomIntegers(createGenerator(c.seed), c.size, c), c);
  });
  test.each(torch.permutation)('permutation: seed $seed, n $size', (c) => {
    expectSame(permutation(createGenerator(c.seed), c.size), c);
  });

  test('one generator through every kind of draw, saved and restored between any two', () => {
    let g = createGenerator(1234);
    for (const { draw, values } of torch.sequence) {
      const size = values.length;
      const drawn =
        draw === 'normal'
          ? normal(g, size)
          : draw === 'permutation'
            ? permutation(g, size)
            : draw === 'integers'
              ? randomIntegers(g, size, { high: 1000 })
              : draw === 'wide'
                ? randomIntegers(g, size, { low: -(2 ** 31), high: 2 ** 31 })
                : draw === 'bernoulli'
                  ? bernoulli(
                      g,
                      values.map((_, i) => i / 20),
                    )
                  : uniform(g, size === 3 ? 700 : size).slice(-size);
      expect(Array.from(drawn)).toEqual(values);
      g = restoreGenerator(JSON.parse(JSON.stringify(saveGenerator(g))));
    }
  });
});
