import { inMemoryDataset } from '@learngene/datasets';
import { ConfigError, parseConfig } from '@learngene/pipeline';
import { describe, expect, test } from 'vitest';
import { modelConfig, networkConfig } from './model-config';

function images(size: number) {
  const pixels = { height: size, width: size, channels: 3, images: new Uint8Array(3 * size * size) };
  return inMemoryDataset({ name: 'one', classes: ['a'], labels: [0], ...pixels });
}

/** An autoencoder as a recipe has it. */
const autoencoder = {
  name: 'emoji',
  hash: '0'.repeat(64),
  imageChannels: 3,
  latentChannels: 16,
  downscale: 8,
  scalingFactor: 1,
  shiftFactor: 0,
};

const network = (size: number, inLatents: boolean, model: object = {}) =>
  networkConfig(parseConfig({ model, ...(inLatents && { autoencoder }) }, 'test'), images(size));

describe('the side of a token', () => {
  test.each([
    ['pixels', 24, false, {}, 4],
    ['pixels', 64, false, {}, 4],
    ['latents of 8', 64, true, {}, 2],
    ['latents of 16', 128, true, {}, 2],
    ['latents of 6', 48, true, {}, 1],
    ['latents of 3', 24, true, {}, 1],
    ['latents of 9', 72, true, {}, 1],
    ['latents of 8 with a patch of its own', 64, true, { patchSize: 4 }, 4],
    ['latents of 8 with a published size', 64, true, { preset: 'DiT-S/8' }, 8],
  ])('in %s of images of %d pixels', (_, size, inLatents, model, expected) => {
    const { patchSize, inputSize, hiddenSize } = network(size, inLatents, model);
    expect([patchSize, inputSize]).toEqual([expected, inLatents ? size / 8 : size]);
    if (!('preset' in model)) expect(hiddenSize).toBe(192);
  });

  test.each([
    [
      24,
      true,
      { patchSize: 2 },
      "model.patchSize: images of 24 pixels (data.size) have 3 positions of a latent a side, by the autoencoder's downscale 8; expected a divisor of 3, got 2",
    ],
    [
      30,
      false,
      {},
      'model.patchSize: images of 30 pixels (data.size) have 30 pixels a side; expected a divisor of 30, got 4',
    ],
    [8, false, { preset: 'DiT-S/8', patchSize: 3 }, /^model\.patchSize: images of 8 pixels .* got 3$/],
  ])('that does not cover images of %d pixels is refused by name', (size, inLatents, model, message) => {
    expect(() => network(size, inLatents, model)).toThrow(message);
    expect(() => network(size, inLatents, model)).toThrow(ConfigError);
  });
});

describe('groups of a configuration', () => {
  const pixels = { height: 8, width: 8, channels: 1, images: new Uint8Array(3 * 64) };
  const data = inMemoryDataset({ name: 'three', classes: ['owl', 'cat', 'dog'], labels: [0, 1, 2], ...pixels });
  const groupsOf = (groups: unknown) => modelConfig(parseConfig({ model: { groups } }, 'test'), data).groups;

  test('name classes; one may be in several', () => {
    const groups = [
      { name: 'animals', classes: ['dog', 'owl', 'cat'] },
      { name: 'cat', classes: ['cat'], tailorRank: 2 },
    ];
    expect(groupsOf(groups)).toEqual([
      { name: 'animals', classes: [2, 0, 1], classNames: ['dog', 'owl', 'cat'] },
      { name: 'cat', classes: [1], classNames: ['cat'], tailorRank: 2 },
    ]);
    expect(groupsOf(undefined).map(({ name }) => name)).toEqual(['owl', 'cat', 'dog']);
  });

  test.each<[unknown, string | RegExp]>([
    [[{ name: 'a', classes: ['owl', 'cat', 'bird'] }], 'model.groups[0].classes: the data has no class "bird"'],
    [[{ name: 'a', classes: ['owl', 'cat'] }], 'model.groups: expected each class in a group, got none for "dog"'],
    [[{ name: 'a', classes: ['owl', 'cat', 'dog', 'cat'] }], /^model\.groups\[0\]\.classes: .*twice/],
    [
      [
        { name: 'a', classes: ['owl', 'cat', 'dog'] },
        { name: 'a', classes: ['cat'] },
      ],
      "model.groups[1].name: 'a' is used twice",
    ],
    [[{ name: 'a', classes: [] }], 'model.groups.0.classes'],
    [[{ name: 'a', classes: ['owl'], rank: 3 }], 'rank'],
    [[], 'model.groups'],
  ])('are refused by name: %j', (groups, message) => {
    expect(() => groupsOf(groups)).toThrow(message);
    expect(() => groupsOf(groups)).toThrow(ConfigError);
  });
});
