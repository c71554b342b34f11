import { ConfigError } from '@learngene/pipeline';
import { describe, expect, test } from 'vitest';
import { continuation, list, requestedConfig } from './context';

describe('list', () => {
  test('names between commas, or a JSON array', () => {
    expect(list(' a, b ,,c')).toEqual(['a', 'b', 'c']);
    expect(list('["a, b", "c"]')).toEqual(['a, b', 'c']);
    expect(list('')).toEqual([]);
  });
  test.each(['[1]', '[a]', '["a"'])('refuses %s', (text) => expect(() => list(text)).toThrow(ConfigError));
});

describe('the requested configuration', () => {
  test('flags of the command win over the file, --set over both', async () => {
    const options = { set: ['training.steps=3', 'data.novel=["b"]'], steps: 2, seed: 1 };
    expect(await requestedConfig(options, { data: { novel: ['a'], classes: ['c'] } })).toEqual({
      seed: 1,
      data: { novel: ['b'], classes: ['c'] },
      training: { steps: 3 },
    });
  });
  test('--resume takes the places of data, latents and autoencoder apart from what is requested', async () => {
    const options = { set: ['seed=2'], dataPath: 'a', latents: 'b', vae: 'c', steps: 9, hold: true };
    expect(await continuation(options, { data: { novel: ['x'] } })).toEqual({
      place: 'a',
      latents: 'b',
      autoencoder: 'c',
      hold: true,
      requested: { seed: 2, data: { novel: ['x'] }, training: { steps: 9 } },
    });
  });
});
