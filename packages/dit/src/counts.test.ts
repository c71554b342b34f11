import { describe, expect, it as test } from 'vitest';
import { ditConfig } from './config';
import { countDitMacs, countDitParams } from './counts';
import type { DitPreset } from './presets';

// Peebles & Xie 2023, table 4 ("Gflops" are MACs), and the parameter counts of facebookresearch/DiT.
const published: [DitPreset, number, number, string][] = [
  ['DiT-S/2', 32_865_056, 32_963_360, '6.06'],
  ['DiT-S/4', 32_920_448, 32_945_024, '1.41'],
  ['DiT-S/8', 33_142_016, 33_148_160, '0.36'],
  ['DiT-B/2', 130_315_808, 130_512_416, '23.01'],
  ['DiT-B/4', 130_426_496, 130_475_648, '5.57'],
  ['DiT-B/8', 130_869_248, 130_881_536, '1.42'],
  ['DiT-L/2', 457_840_672, 458_102_816, '80.70'],
  ['DiT-L/4', 457_988_224, 458_053_760, '19.70'],
  ['DiT-L/8', 458_578_432, 458_594_816, '5.01'],
  ['DiT-XL/2', 674_834_720, 675_129_632, '118.62'],
  ['DiT-XL/4', 675_000_704, 675_074_432, '29.04'],
  ['DiT-XL/8', 675_664_640, 675_683_072, '7.39'],
];

describe.each(published)('%s', (preset, trainable, total, gmacs) => {
  test('has the published number of parameters', () => {
    const counts = countDitParams(ditConfig(preset));
    expect([counts.trainable, counts.total]).toEqual([trainable, total]);
  });

  test('has the published compute', () => {
    expect((countDitMacs(ditConfig(preset)).total / 1e9).toFixed(2)).toBe(gmacs);
  });
});

test('counts the block matrices of the paper alone as `linear`', () => {
  expect(countDitParams(ditConfig('DiT-S/2')).linear).toBe(21_233_664);
  expect(countDitParams(ditConfig('DiT-XL/2')).linear).toBe(445_906_944);
});

test('counts DiT-XL/2 at 512 pixels as the README does', () => {
  expect(Math.round(countDitMacs(ditConfig('DiT-XL/2', { inputSize: 64 })).total / 1e9)).toBe(525);
});
