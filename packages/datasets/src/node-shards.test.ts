import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { type TarPart, tarFile } from '../test/tar-file';
import { createBatches } from './batches';
import { DatasetFileError } from './errors';
import { detectDataset, tarShards } from './node';

const root = temporaryFolder('datasets-shards');

const image = (red: number) =>
  sharp({ create: { width: 8, height: 8, channels: 3, background: { r: red, g: 0, b: 0 } } })
    .png()
    .toBuffer();

/** Two shards of three samples: sample n is red 10 n, its class is n mod 2. */
async function shards(): Promise<[string, Buffer][]> {
  const parts = await Promise.all(
    [0, 1, 2, 3, 4, 5].map(
      async (n): Promise<TarPart[]> => [
        { name: `s${n}.png`, content: await image(10 * n) },
        { name: `s${n}.cls`, content: `${n % 2}` },
        { name: `s${n}.note`, content: 'of no use' },
      ],
    ),
  );
  return [0, 1].map((i) => [`train-${i}.tar`, tarFile(parts.slice(3 * i, 3 * i + 3).flat())]);
}

const all = await shards();
const BLACK = await image(0);
for (const [name, bytes] of all) writeFileSync(join(root, name), bytes);
const pattern = join(root, 'train-{0..1}.tar');
const reds = (images: Uint8Array) => Array.from({ length: images.length / 48 }, (_, i) => images[i * 48]);

/** A shard with these files. */
function shard(name: string, parts: readonly TarPart[]): string {
  const path = join(root, `${name.replaceAll(' ', '-')}.tar`);
  writeFileSync(path, tarFile(parts));
  return path;
}

describe('tarShards', () => {
  test('samples in the order of the shards, read in any order', async () => {
    const data = await tarShards(pattern, { size: 4 });
    expect(await detectDataset(pattern)).toEqual({ kind: 'webdataset', by: 'its ending .tar' });
    expect([data.size, data.classes, [...data.labels]]).toEqual([6, ['0', '1'], [0, 1, 0, 1, 0, 1]]);
    expect(reds(await data.read([5, 0, 3]))).toEqual([50, 0, 30]);
    await expect(data.read([6])).rejects.toThrow(RangeError);
  });

  test('batches are the same whatever is read at a time, and go on from a state', async () => {
    const options = { batchSize: 4, seed: 3, flip: true };
    const take = async (concurrency: number, prefetch: number, state?: never) => {
      const batches = createBatches(await tarShards(pattern, { size: 4, concurrency }), {
        ...options,
        prefetch,
        state,
      });
      const seen = [];
      for (let i = 0; i < (state ? 2 : 4); i++) seen.push(reds((await batches.next()).images));
      return { seen, state: batches.state() };
    };
    const whole = await take(1, 0);
    expect((await take(8, 3)).seen).toEqual(whole.seen);
    const half = createBatches(await tarShards(pattern, { size: 4 }), options);
    await half.next();
    await half.next();
    const resumed = await take(2, 1, JSON.parse(JSON.stringify(half.state())) as never);
    expect([resumed.seen, resumed.state]).toEqual([whole.seen.slice(2), whole.state]);
  });

  test('by HTTP range', async () => {
    const server = createServer((request, response) => {
      const bytes = all.find(([name]) => request.url === `/${name}`)?.[1] as Buffer;
      const [start, last] = String(request.headers.range).replace('bytes=', '').split('-').map(Number);
      const end = Math.min(last + 1, bytes.length);
      response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` });
      response.end(bytes.subarray(start, end));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const data = await tarShards(`http://127.0.0.1:${port}/train-{0..1}.tar`, { size: 4 });
      expect(reds(await data.read([1, 4]))).toEqual([10, 40]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('classes by name in txt, or in json', async () => {
    const content = await image(1);
    const words = shard('words', [
      { name: 'a.png', content },
      { name: 'a.txt', content: 'tench, Tinca tinca\n' },
      { name: 'b.png', content },
      { name: 'b.json', content: '{"label": "eel"}' },
    ]);
    const data = await tarShards(words, { size: 4 });
    expect([data.classes, [...data.labels]]).toEqual([
      ['eel', 'tench, Tinca tinca'],
      [1, 0],
    ]);
  });

  test('names that lead elsewhere write nothing', async () => {
    const content = await image(9);
    mkdirSync(join(root, 'inner'));
    const path = shard('inner/climbing', [
      { name: '../../outside.png', content },
      { name: '../../outside.cls', content: '0' },
      { name: '/tmp/learngene-absolute.png', content },
      { name: '/tmp/learngene-absolute.cls', content: '0' },
    ]);
    const data = await tarShards(path, { size: 4 });
    expect(reds(await data.read([0, 1]))).toEqual([9, 9]);
    expect(readdirSync(join(root, 'inner'))).toEqual(['climbing.tar']);
    expect([join(root, '..', 'outside.png'), '/tmp/learngene-absolute.png'].filter(existsSync)).toEqual([]);
  });

  const png = { name: 'a.png', content: BLACK };
  const cls = { name: 'a.cls', content: '0' };
  test.each<[string, TarPart[], RegExp]>([
    ['no samples', [], /expected samples, got none/],
    ['no image', [cls], /sample "a": expected one image .*got cls/],
    ['two images', [png, { ...png, name: 'a.jpg' }, cls], /sample "a": expected one image .*got png, jpg, cls/],
    ['no class', [png], /sample "a": expected a class \(cls, json, txt\), got png/],
    ['a class that is no number', [png, { ...cls, content: '-1' }], /cls: expected a number of a class, got "-1"/],
    ['no label in json', [png, { name: 'a.json', content: '[1]' }], /json: expected \{"label": ...\} of a class/],
    [
      'a huge label',
      [png, { name: 'a.json', content: '{"label": 1e9}' }],
      /json: expected \{"label": ...\} of a class/,
    ],
    ['a file twice', [png, png, cls], /expected every file once, got a\.png again/],
    [
      'a sample in two places',
      [png, cls, { ...png, name: 'b.png' }, { ...cls, name: 'b.cls' }, { ...png, name: 'a.jpg' }, cls],
      /expected the files of a sample together, got a again/,
    ],
    [
      'numbers and names',
      [png, cls, { ...png, name: 'b.png' }, { name: 'b.txt', content: 'eel' }],
      /expected numbers of classes as in .*, got a name for b\.png/,
    ],
  ])('%s is refused', async (name, parts, message) => {
    const path = shard(name, parts);
    await expect(tarShards(path, { size: 4 })).rejects.toThrow(message);
    await expect(tarShards(path, { size: 4 })).rejects.toBeInstanceOf(DatasetFileError);
  });

  test('what is missing, changed or no image is named', async () => {
    await expect(tarShards(join(root, 'no-{0..1}.tar'), { size: 4 })).rejects.toThrow(
      /no-0\.tar: expected a tar archive/,
    );
    const path = shard('changed', [{ ...png, content: 'no image' }, cls]);
    const data = await tarShards(path, { size: 4 });
    await expect(data.read([0])).rejects.toThrow(/changed\.tar\/a\.png: expected an image that can be decoded/);
    shard('changed', [png, cls, cls]);
    await expect(data.read([0])).rejects.toThrow(/had 3072 bytes when it was listed, and has/);
  });
});
