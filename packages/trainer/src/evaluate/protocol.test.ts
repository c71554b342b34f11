import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readStatistics, writeSamples, writeStatistics } from '@learngene/metrics/node';
import { ConfigError, noProgress } from '@learngene/pipeline';
import { sha256File } from '@learngene/tensor-io/node';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { evaluationRows } from './evaluation-rows';
import { openImages } from './open-images';
import { type ProtocolRequest, prepareProtocol } from './prepare-protocol';
import { type OpenExtractor, type ProtocolResult, runProtocol } from './run-protocol';

const work = temporaryFolder('protocol');
const at = (name: string) => join(work, name);
const model = fileURLToPath(new URL('../../fixtures/format-1/train', import.meta.url));
const COUNT = 3;
const pixels = new Uint8Array(COUNT * 8 * 6 * 3).map((_, i) => (i * 37 + Math.floor(i / 144) * 11) % 256);

beforeAll(async () => {
  await useTestBackend();
  const images = { data: pixels, count: COUNT, height: 8, width: 6, channels: 3 };
  await writeSamples(at('images.npz'), { images, labels: Int32Array.of(0, 1, 2) });
  const features = { mean: new Float64Array(3), covariance: new Float64Array(9) };
  await writeStatistics(at('plain.npz'), { features });
  for (const folder of ['same', 'same/deeper', 'mixed', 'none']) mkdirSync(at(folder), { recursive: true });
  const raw = { width: 6, height: 8, channels: 3 as const };
  for (let i = 0; i < COUNT; i++) {
    const image = sharp(pixels.subarray(i * 144, (i + 1) * 144), { raw });
    await image.png().toFile(at(`same/${i === 2 ? 'deeper/' : ''}${i}.png`));
    await (i === 1 ? image.resize(5, 5) : image).png().toFile(at(`mixed/${i}.png`));
  }
  await sharp(pixels.subarray(0, 144), { raw }).webp().toFile(at('same/x.webp'));
  writeFileSync(at('inception.safetensors'), 'no weights: the network of these tests is below');
});

/** The mean colour, and one row of pixels as spatial features, in the place of Inception. */
const openExtractor = async (path: string): Promise<OpenExtractor> => ({
  sha256: await sha256File(path),
  dispose: () => {},
  extractor: {
    ...{ name: 'colours', dims: 3, spatialDims: 2, classes: 3 },
    async extract({ data, count }) {
      const size = data.length / count;
      const features = new Float32Array(3 * count);
      for (let i = 0; i < data.length; i++) features[3 * Math.floor(i / size) + (i % 3)] += data[i] / size;
      const spatial = Float32Array.from({ length: 2 * count }, (_, i) => data[Math.floor(i / 2) * size + (i % 2)]);
      return { features, spatial, logits: features };
    },
  },
});

const request = (more: Partial<ProtocolRequest>): ProtocolRequest => ({
  protocol: 'pytorch-fid',
  inception: at('inception.safetensors'),
  samples: at('images.npz'),
  reference: at('images.npz'),
  requested: {},
  source: 'options',
  dataGiven: false,
  progress: noProgress,
  label: (part) => `--${part}`,
  ...more,
});

describe('what does not fit is refused before the work, by name', () => {
  test.each<[string, Partial<ProtocolRequest>, string]>([
    [
      'a metric of another program',
      { metrics: ['kid'] },
      '--metrics: pytorch-fid does not compute kid; it computes fid',
    ],
    ['no weights', { inception: undefined }, 'give --inception with the weights of pytorch-fid or torch-fidelity'],
    ['weights that are not there', { inception: at('x.pth') }, '--inception'],
    ['samples that are not there', { samples: at('x.npz') }, '--samples'],
    [
      'samples of another kind',
      { samples: at('inception.safetensors') },
      'expected an .npz or .npy of images, or a folder',
    ],
    ['no reference', { reference: undefined }, 'evaluate: nothing to compare with; give --reference'],
    [
      'no reference, of a program with the score',
      { protocol: 'adm', reference: undefined },
      'or --metrics inception-score',
    ],
    [
      'statistics to be kept of statistics',
      { reference: at('plain.npz'), saveReference: at('y.npz') },
      '--saveReference: expected images',
    ],
  ])('%s', async (_, more, message) => {
    await expect(prepareProtocol(request(more))).rejects.toThrow(ConfigError);
    await expect(prepareProtocol(request(more))).rejects.toThrow(message);
  });
});

describe('openImages', () => {
  const all = { sizes: 'any', folders: 'all', endings: ['.png', '.webp'] } as const;
  const top = { sizes: 'one', folders: 'top', endings: ['.png'] } as const;

  test('a folder gives the images of an npz, in the order of the paths, with or without inner folders', async () => {
    const size = 144;
    const deep = await openImages('f', at('same'), { ...all, endings: ['.png'] });
    expect(deep).toMatchObject({ count: 3, passedOver: [expect.stringContaining('1 file that is no image')] });
    expect((await deep.read(0, 3)).data).toEqual(pixels);
    const flat = await openImages('f', at('same'), top);
    expect(flat.passedOver).toHaveLength(2);
    expect((await flat.read(1, 2)).data).toEqual(pixels.subarray(size, 2 * size));
    expect((await openImages('f', at('same'), all)).count).toBe(4);
  });

  test('sizes that differ and a folder without images are named', async () => {
    const mixed = await openImages('f', at('mixed'), top);
    await expect(mixed.read(0, 2)).rejects.toThrow(/0\.png is 6x8 and .*1\.png 5x5/);
    expect(await (await openImages('f', at('mixed'), all)).read(1, 2)).toMatchObject({ width: 5, height: 5 });
    await expect(openImages('--samples none', at('none'), all)).rejects.toThrow(
      '--samples none: expected images (.png .webp), got none',
    );
  });
});

test('the figures say how they were measured; statistics are kept, and are not taken for those of another protocol', async () => {
  const own = at('own.npz');
  const signal = new AbortController().signal;
  const run = async (more: Partial<ProtocolRequest>): Promise<ProtocolResult> =>
    runProtocol(await prepareProtocol(request(more)), { count: 2, progress: noProgress, signal, openExtractor });
  const first = await run({ saveReference: own });
  expect(first).toMatchObject({
    protocol: { name: 'pytorch-fid', pixels: expect.stringContaining('half-pixel centres') },
    inception: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    reference: { used: 'images' },
    samples: at('images.npz'),
    ...{ sampleCount: COUNT, referenceCount: COUNT, convention: 'adm' },
  });
  expect(first).not.toHaveProperty('sampling');
  expect(first.fid).toBeLessThan(1e-3);
  const { origin, features, spatial, vectors } = await readStatistics(own);
  expect(origin).toEqual({ protocol: 'pytorch-fid', weights: first.inception.sha256, count: COUNT });
  expect([features?.count, spatial?.mean.length, vectors?.dims]).toEqual([COUNT, 2, 3]);
  await expect(run({ reference: own, protocol: 'adm', metrics: ['fid'] })).rejects.toThrow(
    'its statistics are of the protocol pytorch-fid, not of adm',
  );
  const drawn = await run({ reference: own, samples: undefined, from: model });
  expect(drawn).toMatchObject({
    reference: { used: 'statistics' },
    ...{ sampleCount: 2, referenceCount: COUNT },
    sampling: { sampler: expect.any(String), steps: expect.any(Number), guidance: expect.any(Number), seed: 3 },
  });
  const rows = new Map(evaluationRows(drawn));
  expect(rows.get('protocol')).toBe('pytorch-fid');
  expect(rows.get('rounding of the samples')).toBe('round((x + 1) 127.5), clipped to [0, 255]');
  expect(new Map(evaluationRows(first)).get('guidance')).toBe('not known of a file');
});
