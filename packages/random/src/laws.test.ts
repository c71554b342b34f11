import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cosSinFloat, logFloat } from './float-math';
import {
  bernoulli,
  createGenerator,
  type GeneratorState,
  normal,
  permutation,
  randomIntegers,
  restoreGenerator,
  saveGenerator,
  stream,
  streamSeed,
  uniform,
} from './index';

const seeds = fc.maxSafeInteger();

describe('state', () => {
  test('a restored generator goes on where the saved one stood, whatever was drawn before', () => {
    const draw = fc.tuple(fc.constantFrom('uniform', 'normal', 'permutation'), fc.nat(40));
    fc.assert(
      fc.property(seeds, fc.array(draw, { maxLength: 6 }), (seed, draws) => {
        const g = createGenerator(seed);
        for (const [kind, size] of draws) {
          if (kind === 'uniform') uniform(g, size);
          else if (kind === 'normal') normal(g, size);
          else permutation(g, size);
        }
        const restored = restoreGenerator(JSON.parse(JSON.stringify(saveGenerator(g))));
        expect(normal(restored, 5)).toEqual(normal(g, 5));
        expect(uniform(restored, 1300)).toEqual(uniform(g, 1300));
        expect(stream(restored, 'x').seed).toBe(stream(g, 'x').seed);
      }),
      { numRuns: 50 },
    );
  });

  test('saving draws nothing and shares nothing', () => {
    const g = createGenerator(3);
    const state = saveGenerator(g);
    const twin = restoreGenerator(state);
    uniform(g, 1000);
    expect(uniform(twin, 3)).toEqual(uniform(createGenerator(3), 3));
    expect(state).toEqual(saveGenerator(createGenerator(3)));
    expect(JSON.stringify(state).length).toBeLessThan(3500);
  });

  const good = saveGenerator(createGenerator(1));
  test.each<[string, unknown, RegExp]>([
    ['nothing', null, /^state: expected a saved generator, got null/],
    ['another algorithm', { ...good, kind: 'pcg/1' }, /^state\.kind: .*got "pcg\/1"/],
    ['a broken seed', { ...good, seed: 0.5 }, /^state\.seed: .*got 0.5/],
    ['a position past the table', { ...good, position: 625 }, /^state\.position: .*got 625/],
    ['a missing position', { ...good, position: undefined }, /^state\.position: .*got undefined/],
    ['a text for the spare', { ...good, spareNormal: 'x' }, /^state\.spareNormal/],
    ['a short table', { ...good, table: good.table.slice(0, 100) }, /^state\.table: expected 2496 bytes .*got 75/],
    ['what is not base64', { ...good, table: '!' }, /^state\.table: .*got 0/],
    ['no table', { ...good, table: undefined }, /^state\.table/],
    ['zeros', { ...good, table: btoa('\0'.repeat(2496)) }, /^state\.table: .*zero/],
  ])('refuses %s', (_, state, message) => {
    expect(() => restoreGenerator(state as GeneratorState)).toThrow(message);
  });
});

describe('streams', () => {
  test('depend on the seed and the name, not on what was drawn, and leave the parent alone', () => {
    const g = createGenerator(5);
    const first = uniform(stream(g, 'noise'), 4);
    expect(uniform(g, 4)).toEqual(uniform(createGenerator(5), 4));
    expect(uniform(stream(g, 'noise'), 4)).toEqual(first);
    expect(uniform(stream(g, 'noisf'), 4)).not.toEqual(first);
    expect(uniform(stream(createGenerator(6), 'noise'), 4)).not.toEqual(first);
    expect(stream(stream(g, 'a'), 'b').seed).not.toBe(stream(stream(g, 'b'), 'a').seed);
  });

  test('seeds of near names and near seeds differ in about half of the 53 bits', () => {
    let flipped = 0;
    let pairs = 0;
    for (let seed = 0; seed < 40; seed++) {
      for (let k = 0; k < 20; k++) {
        const a = BigInt(streamSeed(seed, `t/${k}`));
        for (const b of [
          streamSeed(seed + 1, `t/${k}`),
          streamSeed(seed, `t/${k + 1}`),
          streamSeed(-seed - 1, `t/${k}`),
        ]) {
          for (let x = a ^ BigInt(b); x > 0n; x &= x - 1n) flipped++;
          pairs++;
        }
      }
    }
    expect(flipped / pairs / 53).toBeCloseTo(0.5, 1);
  });

  test('20,000 names give 20,000 seeds, all safe integers', () => {
    const all = Array.from({ length: 20_000 }, (_, i) => streamSeed(0, `epoch/${i}`));
    expect(new Set(all).size).toBe(20_000);
    expect(all.every((seed) => Number.isSafeInteger(seed) && seed >= 0)).toBe(true);
  });

  test('the seed of a stream stays what it is in this version and the next', () => {
    expect([streamSeed(0, ''), streamSeed(0, 'noise'), streamSeed(-1, 'Zoë')]).toMatchInlineSnapshot(`
      [
        6732831169371178,
        852640078729713,
        3139989094158985,
      ]
    `);
  });
});

describe('laws', () => {
  test('a permutation holds every number once', () => {
    fc.assert(
      fc.property(seeds, fc.nat(300), (seed, n) => {
        const order = permutation(createGenerator(seed), n);
        expect(Array.from(order).sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });

  test('integers stay in their range and reach every value', () => {
    const values = randomIntegers(createGenerator(2), 500, { low: -3, high: 4 });
    expect([...new Set(values)].sort((a, b) => a - b)).toEqual([-3, -2, -1, 0, 1, 2, 3]);
    expect(() => randomIntegers(createGenerator(2), 1, { high: 0 })).toThrow(
      /^high: expected an integer from 1 .*got 0/,
    );
  });

  test('seeds are taken modulo 2^32, negative ones too', () => {
    expect(uniform(createGenerator(-1), 3)).toEqual(uniform(createGenerator(2 ** 32 - 1), 3));
    expect(uniform(createGenerator(2 ** 40 + 9), 3)).toEqual(uniform(createGenerator(9), 3));
  });

  test('normals have the moments of the normal distribution', () => {
    const values = normal(createGenerator(8), 40_000);
    const moment = (k: number) => values.reduce((sum, x) => sum + x ** k, 0) / values.length;
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(40_000));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / 40_000));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / 40_000));
  });

  test('ones of bernoulli come as often as asked', () => {
    const ones = bernoulli(createGenerator(4), new Array(10_000).fill(0.3)).reduce((sum, x) => sum + x, 0);
    expect(Math.abs(ones / 10_000 - 0.3)).toBeLessThan(0.02);
    expect(bernoulli(createGenerator(4), [0, 1, 0, 1])).toEqual(Uint8Array.of(0, 1, 0, 1));
    expect(() => bernoulli(createGenerator(4), [0, 1.5])).toThrow(/^probabilities: .*got 1.5 at 1/);
  });

  test('empty draws are empty and draw nothing', () => {
    const g = createGenerator(1);
    for (const values of [uniform(g, 0), normal(g, 0), permutation(g, 0), bernoulli(g, [])])
      expect(values.length).toBe(0);
    expect(uniform(g, 1)).toEqual(uniform(createGenerator(1), 1));
  });

  test.each<[() => unknown, RegExp]>([
    [() => createGenerator(0.5), /^seed: expected an integer from .*got 0.5/],
    [() => createGenerator(Number.NaN), /^seed: .*got NaN/],
    [() => streamSeed(2 ** 60, 'x'), /^seed: expected a safe integer/],
    [() => uniform(createGenerator(0), -1), /^size: .*got -1/],
    [() => uniform(createGenerator(0), 1, { low: 2 }), /^high: expected at least low = 2, got 1/],
    [() => normal(createGenerator(0), 1, { std: -1 }), /^std: expected at least 0, got -1/],
    [() => normal(createGenerator(0), 1, { mean: Number.POSITIVE_INFINITY }), /^mean: expected a finite number/],
    [() => permutation(createGenerator(0), 2 ** 28), /^n: expected an integer from 0 to 214748363/],
  ])('refuses %s', (work, message) => {
    expect(work).toThrow(message);
  });
});

test('float32 log, cos and sin are those of Math within 4 ulp of 1', () => {
  const g = createGenerator(6);
  const out = new Float32Array(2);
  for (const u of uniform(g, 5000)) {
    expect(Math.abs(logFloat(1 - u) - Math.log(1 - u))).toBeLessThanOrEqual(1e-7 * Math.max(1, -Math.log(1 - u)));
    const angle = Math.fround(2 * Math.PI * u);
    cosSinFloat(angle, out, 0);
    expect(Math.abs(out[0] - Math.cos(angle))).toBeLessThan(2e-7);
    expect(Math.abs(out[1] - Math.sin(angle))).toBeLessThan(2e-7);
  }
});
