import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatasetFileError } from '@learngene/datasets';
import { noProgress, parseConfig } from '@learngene/pipeline';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { withoutRights } from '@learngene/testing/without-rights';
import { createAutoencoder, vaeParamsFromTensorData } from '@learngene/vae';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { prepareEncoding } from '../src/data/encode-data';
import { type EncodeFolderOptions, encodeFolder } from '../src/latents/encode-folder';
import { readLatentManifest } from '../src/latents/manifest';
import { openLatents } from '../src/latents/open-latents';
import { encodeOptions, hashOf, makeTinyLatents } from './tiny-latents';

beforeAll(useTestBackend);
const folder = temporaryFolder('latents');
const at = (...parts: string[]) => join(folder, ...parts);

beforeAll(() => makeTinyLatents(folder));

const options = (more: Partial<EncodeFolderOptions> = {}, vae = 'vae') => encodeOptions(folder, more, vae);

describe('a folder of latents', () => {
  test('holds the latents of every image and of its mirror image, and leaves no tensor behind', async () => {
    const own = await options();
    const before = tf.memory().numTensors;
    const manifest = await encodeFolder(at('cache'), own);
    expect(tf.memory().numTensors).toBe(before);
    expect(manifest).toMatchObject({ images: 36, shape: [4, 4, 4], classes: ['bars', 'dots', 'flat'], stored: 'mean' });
    expect(manifest.shards.length).toBe(4);
    const { rows, labels } = await openLatents(at('cache'));
    expect([...labels]).toEqual([...own.dataset.labels]);
    const { tensors, config } = own.autoencoder;
    const vae = createAutoencoder(vaeParamsFromTensorData(tensors, config), config);
    const picture = await own.dataset.read([17]);
    for (const flip of [0, 1]) {
      const expected = tf.tidy(() => {
        const x = tf.sub(tf.div(tf.tensor4d(Float32Array.from(picture), [1, 8, 8, 3]), 127.5), 1) as tf.Tensor4D;
        return vae.encode(flip ? (tf.reverse(x, 2) as tf.Tensor4D) : x).mean.dataSync();
      });
      const kept = await rows.read([17], { crops: [0], flips: [flip] });
      for (const [i, value] of kept.entries()) expect(Math.abs(value - expected[i])).toBeLessThan(1e-5);
    }
    vae.dispose();
    const { mean, deviation } = manifest.statistics!;
    const all = await rows.read([...labels.keys(), ...labels.keys()], {
      crops: new Uint8Array(72),
      flips: Uint8Array.from({ length: 72 }, (_, i) => Number(i >= 36)),
    });
    const average = all.reduce((a, b) => a + b) / all.length;
    expect(Math.abs(average - mean)).toBeLessThan(1e-5);
    expect(Math.abs(Math.sqrt(all.reduce((a, b) => a + (b - average) ** 2, 0) / all.length) - deviation)).toBeLessThan(
      1e-5,
    );
  });

  test('that was interrupted goes on to the same bytes', async () => {
    const controller = new AbortController();
    let batches = 0;
    const startBar = () => ({
      update: () => {
        if (++batches === 5) controller.abort(new Error('enough'));
      },
      stop() {},
    });
    const stopped = options({ signal: controller.signal, progress: { ...noProgress, startBar } });
    await expect(encodeFolder(at('stopped'), await stopped)).rejects.toThrow(/interrupted after 1 of 4 shards/);
    await expect(openLatents(at('stopped'))).rejects.toThrow('found 1 of 4 shards');
    await encodeFolder(at('stopped'), await options());
    const files = ['latents.json', 'labels.safetensors', 'latents-00000.safetensors', 'latents-00003.safetensors'];
    for (const file of files) expect(hashOf(at('stopped', file))).toBe(hashOf(at('cache', file)));
  });

  test('encodes a damaged shard and those after it again', async () => {
    cpSync(at('cache'), at('damaged'), { recursive: true });
    truncateSync(at('damaged', 'latents-00002.safetensors'), 100);
    const warnings: string[] = [];
    const progress = { ...noProgress, warn: (text: string) => warnings.push(text) };
    await encodeFolder(at('damaged'), await options({ progress: progress as never }));
    expect(warnings).toEqual([
      expect.stringMatching(/latents-00002.safetensors: damaged; encoding from there on again/),
    ]);
    expect(hashOf(at('damaged', 'latents.json'))).toBe(hashOf(at('cache', 'latents.json')));
  });

  test.each<[string, (path: string) => void, RegExp]>([
    [
      'a missing shard',
      (path) => rmSync(join(path, 'latents-00001.safetensors')),
      /latents-00001.safetensors: missing/,
    ],
    [
      'a truncated shard',
      (path) => truncateSync(join(path, 'latents-00001.safetensors'), 99),
      /expected \d+ bytes, got 99/,
    ],
    ['altered labels', (path) => change(join(path, 'labels.safetensors')), /labels: expected those of the 36 images/],
    [
      'an unknown field',
      (path) => edit(path, { colour: 1 }),
      /latents.json: expected only format, name, .*, got "colour"/,
    ],
    ['another format', (path) => edit(path, { format: 2 }), /format: expected 1, got 2/],
    [
      'a shard outside',
      (path) => edit(path, { shards: [{ file: '../x', sha256: '', bytes: 1 }] }),
      /shards\[0\].file: expected the/,
    ],
    ['an autoencoder without a hash', (path) => edit(path, { autoencoder: {} }), /autoencoder.hash: expected 64/],
  ])('with %s is refused', async (name, damage, message) => {
    const path = at(`refused-${name.replaceAll(' ', '-')}`);
    cpSync(at('cache'), path, { recursive: true });
    damage(path);
    await expect(openLatents(path)).rejects.toThrow(message);
  });

  test.each<[string, (file: string) => void, string]>([
    ['missing', rmSync, 'missing'],
    ['cut off', (file) => truncateSync(file, 20), 'damaged'],
    ['empty', (file) => truncateSync(file, 0), 'damaged'],
    ['altered', change, 'damaged'],
  ])('whose labels are %s is refused in one line; the same call writes them again', async (name, damage, word) => {
    const path = at(`labels-${name.replaceAll(' ', '-')}`);
    cpSync(at('cache'), path, { recursive: true });
    damage(join(path, 'labels.safetensors'));
    await expect(openLatents(path)).rejects.toThrow(
      /labels.safetensors: [^\n]*; run learngene data latents again, it writes what is damaged anew$/,
    );
    const warnings: string[] = [];
    const progress = { ...noProgress, warn: (text: string) => void warnings.push(text) };
    await encodeFolder(path, await options({ progress }));
    expect(warnings).toEqual([`${join(path, 'labels.safetensors')}: ${word}; writing it again`]);
    for (const file of ['latents.json', 'labels.safetensors', 'latents-00003.safetensors'])
      expect(hashOf(join(path, file))).toBe(hashOf(at('cache', file)));
    expect((await openLatents(path)).labels).toHaveLength(36);
  });

  test('whose latents.json is cut off says what to do, and that helps', async () => {
    const path = at('cut-off');
    cpSync(at('cache'), path, { recursive: true });
    truncateSync(join(path, 'latents.json'), 40);
    const message = /latents.json: cut off or damaged, .*; remove it and run learngene data latents again$/;
    await expect(openLatents(path)).rejects.toThrow(message);
    await expect(encodeFolder(path, await options())).rejects.toThrow(message);
    rmSync(join(path, 'latents.json'));
    await encodeFolder(path, await options());
    expect(hashOf(join(path, 'latents.json'))).toBe(hashOf(at('cache', 'latents.json')));
  });

  test('of an image that cannot be read says what to do, and takes other settings then', async () => {
    const path = at('unreadable');
    const own = await options();
    const read = () => Promise.reject(new DatasetFileError('bad.png', 'not an image', { isImage: true }));
    await expect(encodeFolder(path, { ...own, dataset: { ...own.dataset, read } })).rejects.toThrow(
      'bad.png: not an image; latents need every image; write those that can be read by learngene data prepare first',
    );
    await encodeFolder(path, await options({ mirrored: false }));
    expect(await readLatentManifest(path)).toMatchObject({ mirrored: false, shards: { length: 4 } });
  });

  test.each<[string, Partial<EncodeFolderOptions>]>([
    ['crops', { crops: 1_000_000 }],
    ['crops', { crops: 1_000_000, mirrored: false, shardImages: 36 }],
  ])('larger than the memory is refused by %s before anything is written', async (name, more) => {
    await expect(encodeFolder(at('too-large'), await options(more))).rejects.toThrow(
      new RegExp(`^${name}: latents of \\d+ images of a shard, [\\d,]+ views of each, need .* GiB`),
    );
    expect(existsSync(at('too-large'))).toBe(false);
  });

  test('is no file, lies in none, and holds nothing else', async () => {
    const config = parseConfig({ data: { path: at('images.safetensors') }, autoencoder: { path: at('vae') } }, 'test');
    const request = { config, stored: 'mean', crops: 1, mirrored: true, progress: noProgress } as const;
    const file = at('images.safetensors');
    for (const [out, message] of [
      [file, `out ${file}: expected a folder, this is a file`],
      [join(file, 'deeper'), `out ${join(file, 'deeper')}: ${file} is a file, not a folder`],
      [at('vae'), `${at('vae')}: expected a new folder or one of latents, this one holds`],
    ]) {
      await expect(prepareEncoding({ ...request, out })).rejects.toThrow(message);
      await expect(encodeFolder(out, await options())).rejects.toThrow(message);
    }
  });

  test.skipIf(process.platform === 'win32')('is made only where one may write', async () => {
    const closed = at('closed');
    mkdirSync(closed);
    const own = await options();
    await withoutRights(folder, closed, async () => {
      for (const out of [closed, join(closed, 'new')]) {
        await expect(encodeFolder(out, own)).rejects.toThrow(`${out}: cannot write: permission denied (EACCES)`);
      }
    });
  });

  test('with an altered shard is refused when that is read', async () => {
    cpSync(at('cache'), at('altered'), { recursive: true });
    change(at('altered', 'latents-00001.safetensors'));
    const { rows } = await openLatents(at('altered'));
    const still = { crops: [0], flips: [0] };
    await rows.read([3], still);
    await expect(rows.read([13], still)).rejects.toThrow(
      /latents-00001.safetensors: altered: .*; run learngene data latents again, it writes/,
    );
    await expect(rows.read([36], still)).rejects.toThrow('indices: expected integers from 0 to 35, got 36');
    await expect(rows.read([3], { crops: [1], flips: [0] })).rejects.toThrow(
      'views.crops: expected integers from 0 to 0',
    );
  });

  test.each<[string, () => Promise<EncodeFolderOptions>, RegExp]>([
    ['another autoencoder', () => options({}, 'other-vae'), /other settings: autoencoder is/],
    ['no mirror images', () => options({ mirrored: false }), /other settings: mirrored is true, asked for false/],
  ])('is not mixed with latents of %s', async (_, make, message) => {
    await expect(encodeFolder(at('cache'), await make())).rejects.toThrow(message);
  });

  test('of draws needs a variance; of an autoencoder that has one, mean and deviation or one draw are kept', async () => {
    await expect(encodeFolder(at('drawn'), await options({ stored: 'sample' }))).rejects.toThrow(
      'stored: a tiny autoencoder has no variance; expected mean, got sample',
    );
    await encodeFolder(at('moments'), await options({ stored: 'mean-and-deviation' }, 'kl'));
    await encodeFolder(at('draws'), await options({ stored: 'sample', batchSize: 3 }, 'kl'));
    await encodeFolder(at('draws-again'), await options({ stored: 'sample', shardImages: 36 }, 'kl'));
    const still = { crops: [0], flips: [0] };
    const [moments, draw, again] = await Promise.all(
      ['moments', 'draws', 'draws-again'].map(async (name) => (await openLatents(at(name))).rows.read([20], still)),
    );
    expect([moments.length, draw.length]).toEqual([4 * 4 * 4, 4 * 4 * 2]);
    for (const [i, value] of draw.entries()) expect(Math.abs(value - again[i])).toBeLessThan(1e-5);
    const z = draw.map((value, i) => {
      const first = Math.floor(i / 2) * 4 + (i % 2);
      return (value - moments[first]) / moments[first + 2];
    });
    expect(Math.max(...z.map(Math.abs))).toBeGreaterThan(0.5);
    expect(Math.max(...z.map(Math.abs))).toBeLessThan(5);
  });
});

/** Turns over the last byte of a file. */
function change(file: string): void {
  const bytes = readFileSync(file);
  bytes[bytes.length - 1] ^= 1;
  writeFileSync(file, bytes);
}

function edit(path: string, fields: object): void {
  const file = join(path, 'latents.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...fields }));
}

test.each<[string, object, object, RegExp]>([
  ['no autoencoder', {}, {}, /autoencoder: expected its folder or its name, got none/],
  ['crops of arrays', { autoencoder: { path: 'vae' } }, { crops: 2 }, /crops: packed data keep their own size/],
  [
    'fields of another autoencoder',
    { autoencoder: { path: 'vae', latentChannels: 7 } },
    {},
    /latentChannels: .*, got 7/,
  ],
  [
    'latents as images',
    { autoencoder: { path: 'vae' }, data: { latents: 'cache' } },
    {},
    /data.latents: expected images/,
  ],
])('%s cannot be prepared', async (_, config, more, message) => {
  await encodeFolder(at('cache'), await options());
  const { autoencoder, data } = config as { autoencoder?: { path: string }; data?: { latents: string } };
  const asked = parseConfig(
    {
      data: data === undefined ? { path: at('images.safetensors') } : { latents: at(data.latents) },
      ...(autoencoder && { autoencoder: { ...autoencoder, path: at(autoencoder.path) } }),
    },
    'test',
  );
  const request = { config: asked, stored: 'mean', crops: 1, mirrored: true, progress: noProgress, ...more } as const;
  await expect(prepareEncoding(request)).rejects.toThrow(message);
});
