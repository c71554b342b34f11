import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { errorLine, noProgress, parseConfig } from '@learngene/pipeline';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import sharp, { type Sharp } from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeData } from '../src/data/decode-data';
import { encodeData, prepareEncoding } from '../src/data/encode-data';
import { openData } from '../src/data/open-data';
import { parseVaeTrainingConfig } from '../src/vae/config';
import { prepareVaeTraining } from '../src/vae/train-vae';
import { makeTinyLatents } from './tiny-latents';

const folder = temporaryFolder('said-once');
const at = (...parts: string[]) => join(folder, ...parts);

beforeAll(async () => {
  await useTestBackend();
  await makeTinyLatents(folder);
});

/** An image with details, so that a file of it is long enough to be cut. */
function picture(): Sharp {
  const data = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => (i * 7919) % 256);
  return sharp(data, { raw: { width: 32, height: 32, channels: 3 } });
}

const half = (bytes: Buffer) => bytes.subarray(0, bytes.length >> 1);
const scrambled = (bytes: Buffer) => Buffer.from(bytes.map((value, i) => (i > 60 ? value ^ (i % 251) : value)));

/** Files that no image can be decoded of. */
const damaged: Record<string, () => Promise<Buffer>> = {
  'cut.jpg': async () => half(await picture().jpeg().toBuffer()),
  'end-missing.jpg': async () => (await picture().jpeg().toBuffer()).subarray(0, -2),
  'scrambled.jpg': async () => scrambled(await picture().jpeg().toBuffer()),
  'progressive.jpg': async () => half(await picture().jpeg({ progressive: true }).toBuffer()),
  'cut.png': async () => half(await picture().png().toBuffer()),
  'scrambled.png': async () => scrambled(await picture().png().toBuffer()),
  'cut.webp': async () => half(await picture().webp({ lossless: true }).toBuffer()),
  'cut.gif': async () => half(await picture().gif().toBuffer()),
  'cut.tif': async () => half(await picture().tiff().toBuffer()),
  'cut.avif': async () => half(await picture().avif().toBuffer()),
  'text.jpg': async () => Buffer.from('no image at all'),
  'empty.png': async () => Buffer.alloc(0),
};

/** The lines that an error and its causes consist of. */
function linesOf(error: unknown): string[] {
  const lines: string[] = [];
  for (let next = error; next instanceof Error; next = next.cause) lines.push(...next.message.split('\n'));
  return [...new Set(lines.map((line) => line.trim()).filter((line) => line !== ''))];
}

const times = (text: string, part: string) => text.split(part).length - 1;

/** Fails unless a line says everything once: the path, every line of a cause, and every part between two colons. */
function expectSaidOnce(error: unknown, path: string): void {
  const line = errorLine(error);
  expect(times(line, path), line).toBe(1);
  for (const part of linesOf(error)) expect(times(line, part), `${part} in ${line}`).toBeLessThanOrEqual(1);
  const parts = line.split(/: |; | \(|\)/).filter((part) => part.trim() !== '');
  expect(new Set(parts).size, line).toBe(parts.length);
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe.each(Object.entries(damaged))('%s', (name, make) => {
  const root = at(`photos ${name}`);
  const file = join(root, 'a', name);
  beforeAll(async () => {
    mkdirSync(join(root, 'a'), { recursive: true });
    writeFileSync(file, await make());
  });
  const config = parseConfig({ data: { path: root, size: 8 }, autoencoder: { path: at('vae') } }, 'test');

  test('is said once by what decodes a folder', async () => {
    const { dataset, recipe } = await openData(config.data, noProgress);
    expectSaidOnce(await failure(decodeData(dataset, recipe, noProgress)), file);
  });

  test('is said once by what encodes it', async () => {
    const request = { config, stored: 'mean', crops: 1, mirrored: false, progress: noProgress } as const;
    const prepared = await prepareEncoding(request);
    expectSaidOnce(await failure(encodeData(at(`latents ${name}`), prepared, new AbortController().signal)), file);
  });

  test('is said once by the training of an autoencoder', async () => {
    const asked = parseVaeTrainingConfig({ data: { path: root, size: 8 } }, 'test');
    const { images } = await prepareVaeTraining(asked, noProgress);
    expectSaidOnce(await failure(images(noProgress)), file);
  });
});

describe('files of arrays', () => {
  const files: Record<string, [file: string, bytes: Buffer]> = {
    npz: ['data.npz', Buffer.from('PK no zip')],
    safetensors: ['data.safetensors', Buffer.from('no tensors')],
    'cut safetensors': ['cut.safetensors', Buffer.from([64, 0, 0, 0, 0, 0, 0, 0, 123])],
    idx: ['train-images-idx3-ubyte', Buffer.from([0, 0, 8, 3, 0, 0, 0, 9])],
    'idx in damaged gzip': ['train-images-idx3-ubyte.gz', half(gzipSync(Buffer.alloc(9000, 7)))],
    'idx that is no gzip': ['train-images-idx3-ubyte.gz', Buffer.from('no gzip')],
    cifar: ['data_batch_1.bin', Buffer.alloc(100)],
  };
  test.each(Object.entries(files))('%s', async (name, [file, bytes]) => {
    const root = at(`arrays ${name}`);
    mkdirSync(root);
    writeFileSync(join(root, file), bytes);
    const single = /npz|safetensors/.test(name);
    const source = single ? 'packed' : name === 'cifar' ? 'cifar10' : 'idx';
    const { data } = parseConfig({ data: { source, path: single ? join(root, file) : root } }, 'test');
    const error = await failure(openData(data, noProgress));
    expect(error).toBeInstanceOf(Error);
    expectSaidOnce(error, root);
  });

  test('a place that is not there', async () => {
    for (const source of ['packed', 'folder', 'idx', 'cifar10', 'cifar100', 'emoji']) {
      const path = at(`gone ${source}`, 'x.npz');
      const error = await failure(openData(parseConfig({ data: { source, path } }, 'test').data, noProgress));
      expect(error, source).toBeInstanceOf(Error);
      expectSaidOnce(error, at(`gone ${source}`));
    }
  });
});
