import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readBundleManifest } from '@learngene/kind/node';
import { openPipeline, readRecipe } from '@learngene/pipeline';
import { checkBundle } from '@learngene/pipeline/node';
import { openSafetensorsFile, readSafetensors } from '@learngene/tensor-io/node';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import { fetchEmojiVae } from '@learngene/vae-emoji';
import { emojiVaeFolder } from '@learngene/vae-emoji/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EMOJI_CLASSES } from '../src/index';
import { emojiBundleFolder, openEmojiPipeline } from '../src/node';

const MEGABYTE = 1_000_000;

/** Hash of learngenes, shared part and what of the recipe changes images: that of the tailors that fit. */
const BASE = '0d9e7332dc208c29d8759e81ceee17c13b1c8c77f5a98529bebe508a75d336ea';

/** The most by which a pixel differs from one engine to another. */
const TOLERANCE = 2;

const folder = emojiBundleFolder();
const packageFolder = fileURLToPath(new URL('..', import.meta.url));
const files = (readdirSync(folder, { recursive: true }) as string[]).filter((name) => /\.\w+$/.test(name));
const sizeOf = (name: string) => statSync(join(folder, name)).size;

describe('the files', () => {
  test('are at most 16 MB, and learngenes, shared part, any one class and the decoder at most 6 MB', async () => {
    const all = files.reduce((sum, name) => sum + sizeOf(name), 0);
    expect(all + statSync(join(packageFolder, 'report.html')).size).toBeLessThan(16 * MEGABYTE);
    const { files: named } = await readBundleManifest(folder);
    const largest = Math.max(...named.tailors.map(({ bytes }) => bytes));
    const shared = sizeOf('kind.json') + named.learngenes.bytes + named.shared.bytes;
    const vae = await openSafetensorsFile(join(emojiVaeFolder(), 'model.safetensors'));
    const decoder = vae.names.filter((name) => name.startsWith('decoder.')).map((name) => vae.info(name).byteLength);
    await vae.close();
    expect(shared + largest + decoder.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(6 * MEGABYTE);
  });

  test('are sound, with the base that tailors name, and no others lie beside them', async () => {
    expect(await checkBundle(folder)).toMatchObject({ base: BASE, problems: [], strays: [] });
  });

  test('hold numbers in float16', async () => {
    const dtypes = new Set<string>();
    for (const name of files.filter((file) => file.endsWith('.safetensors'))) {
      const file = await openSafetensorsFile(join(folder, name));
      for (const tensor of file.names) dtypes.add(file.info(tensor).dtype);
      await file.close();
    }
    expect(dtypes).toEqual(new Set(['F16']));
  });

  test('have the classes that the package names, each with tailors of its own', async () => {
    const { config } = await readBundleManifest(folder);
    expect(config.groups.map(({ name }) => name)).toEqual([...EMOJI_CLASSES]);
    expect(config.groups.map(({ classNames }) => classNames)).toEqual(EMOJI_CLASSES.map((name) => [name]));
    expect(EMOJI_CLASSES.length).toBeGreaterThanOrEqual(40);
    expect([...EMOJI_CLASSES].sort()).toEqual([...EMOJI_CLASSES]);
  });

  test('bring a recipe in latents of the shipped autoencoder, and no path of the machine that trained them', async () => {
    const { metadata } = await readBundleManifest(folder);
    const recipe = readRecipe(metadata, 'kind.json');
    expect(recipe?.autoencoder).toMatchObject({ name: 'emoji', imageChannels: 3, downscale: 8 });
    expect(recipe?.autoencoder?.path).toBeUndefined();
    expect(recipe?.data.path).toBeUndefined();
    expect(recipe?.diffusion.process).toBe('flow');
  });

  test('the notice names whose emoji were trained on', () => {
    const notice = readFileSync(join(packageFolder, 'NOTICE'), 'utf8');
    expect(notice).toMatch(/Noto Emoji .*Copyright Google LLC.*Apache License/s);
    expect(notice).toMatch(/Twemoji .*Copyright Twitter, Inc and other contributors.*CC-BY 4.0/s);
  });
});

describe('what it draws', () => {
  const requests = new Set<string>();
  let fetched = 0;
  const server = createServer(({ method, url = '', headers }, response) => {
    const [, place, name] = /^\/(bundle|weights)\/([\w./-]+)$/.exec(url) ?? [];
    const root = { bundle: folder, weights: emojiVaeFolder() }[place];
    if (root === undefined) return void response.writeHead(404).end();
    const bytes = readFileSync(join(root, name));
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
    const part = from === undefined ? bytes : bytes.subarray(Number(from), Number(to) + 1);
    const range = `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`;
    response.writeHead(from === undefined ? 200 : 206, from === undefined ? {} : { 'content-range': range }).end(part);
    requests.add(name);
    if (method !== 'HEAD') fetched += part.length;
  });
  let address = '';
  let expected: { data: Uint8Array; options: { classes: string[]; seed: number; steps: number } };
  beforeAll(async () => {
    await useTestBackend();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const path = join(packageFolder, 'fixtures', 'drawn.safetensors');
    const file = await openSafetensorsFile(path);
    const options = Object.entries(file.metadata).map(([key, value]) => [key, JSON.parse(value)]);
    await file.close();
    const data = (await readSafetensors(path)).tensors.get('images')?.data as Uint8Array;
    expected = { data, options: Object.fromEntries(options) };
  });
  afterAll(() => void server.close());

  /** The largest difference to the pictures that the trained model drew on native. */
  const farthest = (data: Uint8Array, from = 0) =>
    data.reduce((most, value, i) => Math.max(most, Math.abs(value - expected.data[from + i])), 0);

  test('is the same on every engine', async () => {
    const pipeline = await openEmojiPipeline({ classes: ['heart', 'clock'] });
    const images = await pipeline.sample(expected.options);
    pipeline.dispose();
    expect(images).toMatchObject({ count: 2, height: 64, width: 64, channels: 3 });
    expect(farthest(images.data)).toBeLessThanOrEqual(TOLERANCE);
  });

  test('is the same by HTTP, of which one class fetches at most 6 MB', async () => {
    await expectNoLeak(async () => {
      requests.clear(); // this is done twice
      fetched = 0;
      const emoji = await fetchEmojiVae(`${address}/weights`, { part: 'decoder' });
      const pipeline = await openPipeline(new URL(`${address}/bundle/`), { classes: ['heart'], autoencoder: emoji });
      const { seed, steps } = expected.options;
      const { data } = await pipeline.sample({ seed, steps });
      pipeline.dispose();
      emoji.autoencoder.dispose();
      expect(farthest(data)).toBeLessThanOrEqual(TOLERANCE); // noise goes by the place of an image: the first is the same
    });
    expect([...requests].filter((name) => name.startsWith('tailors'))).toEqual(['tailors/heart.safetensors']);
    expect(fetched).toBeGreaterThan(5 * MEGABYTE);
    expect(fetched).toBeLessThan(6 * MEGABYTE);
  });

  test('refuses a class that it does not have, with one that is near', async () => {
    const wanted = ['hart'] as unknown as ['heart'];
    await expect(openEmojiPipeline({ classes: wanted })).rejects.toThrow(/no class "hart".*heart/s);
  });
});
