import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { concatDatasets, holdOutCharacters, type ImageDataset, readInOrder, subset } from '@learngene/datasets';
import { type EmojiStyle, emojiDataset, packed } from '@learngene/datasets/node';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import type { Autoencoder } from '@learngene/vae';
import { readVae } from '@learngene/vae/node';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EmojiVae, fetchEmojiVae } from '../src/index';
import { emojiVaeFolder, readEmojiVae } from '../src/node';

/** What was promised of the weights: the mean squared error of held-out images, pixels in [0, 1]. */
const MOST = 0.0018;

let backend = '';
let shipped: EmojiVae;
let vae: Autoencoder;
beforeAll(async () => {
  backend = await useTestBackend();
  shipped = await readEmojiVae();
  vae = shipped.autoencoder;
});
afterAll(() => vae.dispose());

/** All emoji of a style, skin tones and sequences too. */
function allEmoji(style: EmojiStyle) {
  const root = dirname(createRequire(import.meta.url).resolve(`emoji-datasource-${style}/emoji.json`));
  return emojiDataset({ style, root, size: 64, skinVariations: true, concurrency: 8 });
}

/** The mean squared error of images after encoding and decoding, pixels in [0, 1]. */
async function meanSquaredError(images: ImageDataset): Promise<number> {
  let sum = 0;
  for await (const { images: bytes, labels } of readInOrder(images, { batchSize: 32 })) {
    const error = tf.tidy(() => {
      const shape: [number, number, number, number] = [labels.length, images.height, images.width, images.channels];
      const x = tf.sub(tf.div(tf.tensor4d(bytes, shape, 'float32'), 127.5), 1) as tf.Tensor4D;
      const rebuilt = tf.clipByValue(vae.decode(vae.encode(x).mean), -1, 1);
      return tf.sum(tf.mean(tf.square(tf.div(tf.sub(rebuilt, x), 2)), [1, 2, 3]));
    });
    sum += (await error.data())[0];
    error.dispose();
  }
  return sum / images.size;
}

describe('the shipped autoencoder', () => {
  test('is less than 3 MB with its configuration, in float16, and has eight by eight latents of 16 channels', async () => {
    const sizes = ['config.json', 'model.safetensors'].map((name) => statSync(join(emojiVaeFolder(), name)).size);
    expect(sizes[0] + sizes[1]).toBeLessThan(3_000_000);
    const { tensors, hash } = await readVae(emojiVaeFolder());
    expect(new Set([...tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(['F16']));
    expect(shipped).toMatchObject({ name: 'emoji', hash });
    expect([vae.latentChannels, vae.downscale]).toEqual([16, 8]);
  });

  test('rebuilds emoji that it has not seen', async () => {
    const images = await packed(fileURLToPath(new URL('../fixtures/held-out.safetensors', import.meta.url)));
    expect([images.size, images.height, images.width]).toEqual([12, 64, 64]);
    const shown = backend === 'cpu' ? subset(images, [1, 8, 10]) : images; // seconds an image on cpu
    expect(await meanSquaredError(shown)).toBeLessThan(1.5 * MOST); // few images: their mean varies
  });

  test('rebuilds all emoji of the tenth that was held out, in both styles and all skin tones', async (context) => {
    if (backend !== 'native') context.skip(`seconds on native, minutes on ${backend}`);
    const parts = await Promise.all((['google', 'twitter'] as const).map(allEmoji));
    const images = concatDatasets(parts.map((part) => holdOutCharacters(part).heldOut));
    expect(images.size).toBe(692);
    expect(await meanSquaredError(images)).toBeLessThanOrEqual(MOST);
  });

  test('its scaled latents have about mean 0 and standard deviation 1', async () => {
    const images = await packed(fileURLToPath(new URL('../fixtures/held-out.safetensors', import.meta.url)));
    const bytes = await images.read([0, 4, 7, 11]);
    const { mean, variance } = tf.tidy(() => {
      const x = tf.sub(tf.div(tf.tensor4d(bytes, [4, 64, 64, 3], 'float32'), 127.5), 1) as tf.Tensor4D;
      return tf.moments(vae.scale(vae.encode(x).mean));
    });
    expect(Math.abs((await mean.data())[0])).toBeLessThan(0.2);
    expect(Math.abs(Math.sqrt((await variance.data())[0]) - 1)).toBeLessThan(0.2);
    tf.dispose([mean, variance]);
  });
});

describe('fetchEmojiVae', () => {
  let sent = 0;
  const server = createServer(({ url = '', headers }, response) => {
    const [, folder, name] = /^\/(weights|no-ranges|others)\/([\w.]+)$/.exec(url) ?? [];
    if (name === undefined) return void response.writeHead(404).end();
    const bytes = readFileSync(join(emojiVaeFolder(), name));
    if (folder === 'others' && name.endsWith('.safetensors')) bytes[20_000] ^= 1;
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
    const isRange = from !== undefined && folder !== 'no-ranges';
    const part = isRange ? bytes.subarray(Number(from), Number(to) + 1) : bytes;
    const range = `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`;
    response.writeHead(isRange ? 206 : 200, isRange ? { 'content-range': range } : {}).end(part);
    sent += part.length;
  });
  let address = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());

  test.each(['/weights', '/weights/'])('gives the autoencoder that %s serves', async (path) => {
    await expectNoLeak(async () => {
      const { autoencoder, ...fetched } = await fetchEmojiVae(address + path);
      expect(fetched).toEqual({ name: 'emoji', hash: shipped.hash });
      expect(autoencoder.config).toEqual(vae.config);
      autoencoder.dispose();
    });
  });

  test.each([
    ['weights', 1_900_000],
    ['no-ranges', 3_000_000],
  ])('gives the decoder alone of /%s, which is enough to decode, for less than %i bytes', async (path, most) => {
    await expectNoLeak(async () => {
      sent = 0; // this is done twice
      const { autoencoder, ...fetched } = await fetchEmojiVae(`${address}/${path}`, { part: 'decoder' });
      expect(fetched).toEqual({ name: 'emoji', hash: shipped.hash });
      const latents = tf.randomNormal<tf.Rank.R4>([1, 1, 1, 16], 0, 1, 'float32', 0);
      const [own, whole] = [autoencoder.decode(latents), vae.decode(latents)];
      expect(await own.data()).toEqual(await whole.data());
      expect(() => autoencoder.encode(latents)).toThrow('got a decoder alone');
      tf.dispose([latents, own, whole]);
      autoencoder.dispose();
    });
    expect(sent).toBeLessThan(most);
    expect(sent).toBeGreaterThan(1_800_000);
  });

  test('refuses another decoder, and another part', async () => {
    const other = fetchEmojiVae(`${address}/others`, { part: 'decoder' });
    await expect(other).rejects.toThrow(/weights: expected the decoder of this package \(hash 79b2.*, got /);
    const part = 'encoder' as 'decoder';
    await expect(fetchEmojiVae(`${address}/weights`, { part })).rejects.toThrow(
      "part: expected 'decoder' or none, got 'encoder'",
    );
  });

  test('rejects on an abort', async () => {
    await expect(fetchEmojiVae(`${address}/weights`, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });

  test('names what is not served', async () => {
    await expect(fetchEmojiVae(`${address}/none`)).rejects.toThrow(
      `${address}/none/config.json: expected a file, got status 404`,
    );
  });
});
