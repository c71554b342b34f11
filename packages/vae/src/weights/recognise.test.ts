import { describe, expect, test } from 'vitest';
import { KL_VAE_PRESETS, klVaeConfig } from '../kl/config';
import { TINY_VAE_PRESETS, tinyVaeConfig } from '../tiny/config';
import { vaeTensorShapes } from './checkpoint';
import type { VaeLayout } from './layouts';
import { recogniseVae } from './recognise';

const LAYOUTS: readonly VaeLayout[] = ['learngene', 'diffusers', 'original'];

/** The configurations of all presets, and some of one's own. */
const configs = {
  ...KL_VAE_PRESETS,
  ...TINY_VAE_PRESETS,
  'grey sd1': klVaeConfig('sd1', { imageChannels: 1, latentChannels: 7, midBlockAttention: false, quantConv: false }),
  'grey taesd': tinyVaeConfig('taesd', { imageChannels: 1, latentChannels: 5 }),
  'grey shuffle': tinyVaeConfig('shuffle', { imageChannels: 1, latentChannels: 9 }),
};

const cases = Object.entries(configs).flatMap(([name, config]) =>
  LAYOUTS.flatMap((layout) => {
    try {
      return [[name, layout, config, vaeTensorShapes(config, layout)] as const];
    } catch {
      return []; // the layout has no such network
    }
  }),
);

describe('the tensors of an autoencoder tell which it is', () => {
  test.each(cases)('%s, %s', (_, layout, config, shapes) => {
    const tensors = new Map([...shapes].map(([name, shape]) => [name, { shape }]));
    const { type, imageChannels, latentChannels } = config;
    expect(recogniseVae(tensors)).toEqual({ type, layout, imageChannels, latentChannels });
  });

  test('every layout of both kinds is among them', () => {
    const found = new Set(cases.map(([, layout, { type }]) => `${type} ${layout}`));
    expect(found.size).toBe(6);
  });

  test.each<[string, [string, number[]][]]>([
    ['nothing', []],
    ['a classifier', [['blocks.0.weight', [3, 3, 3, 8]]]],
    ['half of one', [['encoder.layers.0.bias', [64]]]],
  ])('of %s they do not', (_, tensors) => {
    expect(recogniseVae(new Map(tensors.map(([name, shape]) => [name, { shape }])))).toBeUndefined();
  });
});
