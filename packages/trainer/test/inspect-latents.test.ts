import { join } from 'node:path';
import { ConfigError } from '@learngene/pipeline';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { encodeFolder } from '../src/latents/encode-folder';
import { inspectLatents } from '../src/latents/latent-rows';
import { readLatentManifest, writeLatentManifest } from '../src/latents/manifest';
import { encodeOptions, makeTinyLatents } from './tiny-latents';

const folder = temporaryFolder('inspect-latents');
const cache = join(folder, 'cache');

beforeAll(async () => {
  await useTestBackend();
  await makeTinyLatents(folder);
  await encodeFolder(cache, await encodeOptions(folder));
});

test('what a folder of latents holds is shown', async () => {
  const { latents, rows } = await inspectLatents(cache);
  expect(latents).toEqual(await readLatentManifest(cache));
  const bytes = latents.shards.reduce((sum, shard) => sum + shard.bytes, 0).toLocaleString('en-US');
  expect(Object.fromEntries(rows)).toEqual({
    latents: '36 images of 8x8x3 as latents of 4x4x4',
    autoencoder: `vae (hash ${latents.autoencoder.hash.slice(0, 12)})`,
    classes: '"bars", "dots", "flat"',
    stored: 'mean, 1 crop of each image, each mirrored too',
    scale: expect.stringMatching(/^mean .*, standard deviation .*; the network sees \(latents - 0.1\) \* 2$/),
    'images in': `${join(folder, 'images.safetensors')} (packed)`,
    files: `4 of 4 shards, ${bytes} bytes`,
  });
});

test('of an unfinished one it is said that the rest is to come', async () => {
  const { statistics: _, ...manifest } = await readLatentManifest(cache);
  await writeLatentManifest(cache, { ...manifest, shards: manifest.shards.slice(0, 1) });
  const rows = Object.fromEntries((await inspectLatents(cache)).rows);
  expect(rows.scale).toBe('known once all images are encoded');
  expect(rows.files).toMatch(/^1 of 4 shards, [\d,]+ bytes, unfinished: learngene data latents goes on with it$/);
});

test('a folder of something else is refused', async () => {
  await expect(inspectLatents(folder)).rejects.toThrow(ConfigError);
});
