import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../errors';
import { openPipeline } from '../node/open-pipeline';
import { drawnClasses } from './mix-classes';

const fixtures = fileURLToPath(new URL('../../fixtures/format-1', import.meta.url));
const settings = { count: 2, steps: 4, seed: 3 };

beforeAll(async () => {
  await useTestBackend();
  await tf.setBackend('cpu');
});

/** Images of a pipeline over the old bundle. */
async function drawn(options: object, from = 'bundle'): Promise<number[]> {
  const pipeline = await openPipeline(join(fixtures, from));
  try {
    return [...(await pipeline.sample({ ...settings, ...options })).data];
  } finally {
    pipeline.dispose();
  }
}

describe('a mixture of classes', () => {
  test('of one class draws that class; of two it draws neither, and not what their order says', async () => {
    const one = [{ class: 'dots', weight: 1 }];
    const dots = await drawn({ classes: ['dots'] });
    expect(await drawn({ mixture: one })).toEqual(dots);
    const bars = await drawn({ classes: ['bars'] });
    const mix = (a: number, b: number) =>
      drawn({
        mixture: [
          { class: 'dots', weight: a },
          { class: 'bars', weight: b },
        ],
      });
    const most = await mix(0.9, 0.1);
    expect(most).not.toEqual(dots);
    const distance = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0);
    expect(distance(most, dots)).toBeLessThan(distance(await mix(0.1, 0.9), dots));
    expect(distance(await mix(0.1, 0.9), bars)).toBeLessThan(distance(most, bars));
  });

  test.each<[string, object, RegExp]>([
    ['classes and a mixture', { classes: ['dots'], mixture: [] }, /^mixture: expected one of classes and mixture/],
    ['no class', { mixture: [] }, /^mixture: expected at least one class, got none/],
    [
      'half of a class',
      { mixture: [{ class: 'dots', weight: 0.5 }] },
      /^mixture: expected weights .*add up to 1, got 0.5/,
    ],
    ['a class that is not there', { mixture: [{ class: 'owl', weight: 1 }] }, /^mixture: the model has no class "owl"/],
    ['a word', { mixture: 'dots' }, /^mixture: expected an array of \{ class, weight \}, got "dots"/],
    [
      'a class without a name',
      { mixture: [{ class: 3, weight: 1 }] },
      /^mixture: expected the names of classes, got \[3\]/,
    ],
  ])('refuses %s by name', async (_, options, message) => {
    await expect(drawn(options)).rejects.toThrow(ConfigError);
    await expect(drawn(options)).rejects.toThrow(message);
  });

  test('of a dense DiT is refused, and nothing leaks', async () => {
    const mixture = [{ class: 'dots', weight: 1 }];
    await expect(drawn({ mixture }, 'dots.safetensors')).rejects.toThrow('got a dense DiT');
    await expectNoLeak(async () => void (await drawn({ mixture })));
  });
});

describe('drawnClasses', () => {
  const names = ['bars', 'dots', 'flat'];
  test('takes all, those that are named, or with weights their mixture', () => {
    expect(drawnClasses(names, {})).toEqual({ ids: [0, 1, 2], names });
    expect(drawnClasses(names, { classes: ['flat', 'bars'] })).toEqual({ ids: [2, 0], names: ['flat', 'bars'] });
    expect(drawnClasses(names, { classes: ['flat', 'bars'], weights: [0.6, 0.4] })).toEqual({
      ids: [2, 0],
      mixture: [
        { class: 'flat', weight: 0.6 },
        { class: 'bars', weight: 0.4 },
      ],
      names: ['flat 0.6 + bars 0.4'],
    });
  });

  test.each<[string[] | undefined, number[], RegExp]>([
    [undefined, [1], /^--weights: expected one for each of 0 named classes, got 1/],
    [['bars', 'dots'], [1], /^--weights: expected one for each of 2 named classes, got 1/],
    [['bars', 'dots'], [1, 0], /^--weights: expected weights above 0 that add up to 1, got 1 \+ 0/],
    [['bars', 'bars'], [0.5, 0.5], /^--weights: expected each class once, got "bars" twice/],
  ])('refuses classes %j with weights %j', (classes, weights, message) => {
    expect(() => drawnClasses(names, { classes, weights }, (argument) => `--${argument}`)).toThrow(message);
  });
});
