import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { noProgress, type Progress, parseConfig } from '@learngene/pipeline';
import { readRunRecord } from '@learngene/pipeline/node';
import { readSafetensors } from '@learngene/tensor-io/node';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeData } from '../src/data/decode-data';
import { encodeData, prepareEncoding } from '../src/data/encode-data';
import { chooseClasses, openData } from '../src/data/open-data';
import { writePacked } from '../src/data/write-packed';
import { readLatentManifest } from '../src/latents/manifest';
import { preparePretraining, pretrain, resumePretraining } from '../src/pretrain/pretrain';
import { parseVaeTrainingConfig } from '../src/vae/config';
import { readVaeRunRecord } from '../src/vae/record';
import { prepareVaeTraining, trainVae } from '../src/vae/train-vae';
import { makeTinyLatents } from './tiny-latents';

const folder = temporaryFolder('enlarged');
const at = (...parts: string[]) => join(folder, ...parts);
const { signal } = new AbortController();

/** The sides of the images of each class: three of the eight are smaller than 8x8. */
const SIDES = {
  a: ['8x8', '4x6', '16x16', '20x9'],
  b: ['5x5', '8x8', '30x7', '64x64'],
};
const RECORD = { images: 3, smallest: [4, 6] };
const WARNING = '3 of 8 images are smaller than 8x8 (the smallest 4x6) and were enlarged: a model learns their blur';

async function writeImages(name: string, sides: Readonly<Record<string, readonly string[]>>) {
  for (const [label, images] of Object.entries(sides)) {
    mkdirSync(at(name, label), { recursive: true });
    for (const [i, image] of images.entries()) {
      const [width, height] = image.split('x').map(Number);
      const background = { r: 40 * i, g: 100, b: label === 'a' ? 200 : 20 };
      const drawn = sharp({ create: { width, height, channels: 3, background } });
      await drawn.png().toFile(at(name, label, `${i}.png`));
    }
  }
}

beforeAll(async () => {
  await useTestBackend();
  await makeTinyLatents(folder);
  await writeImages('photos', SIDES);
  await writeImages('large', { a: ['8x8', '16x16', '20x9', '8x30'], b: ['64x64', '8x8', '9x12', '8x8'] });
});

/** Keeps the warnings. */
function listening(): { warned: string[]; progress: Progress } {
  const warned: string[] = [];
  return { warned, progress: { ...noProgress, warn: (text: string) => void warned.push(text) } };
}

const model = { patchSize: 4, hiddenSize: 16, depth: 1, heads: 2, learngeneRank: 4, tailorRank: 2 };
const training = { steps: 2, batchSize: 4, warmup: 1, checkpointEvery: 1, logEvery: 1, sampleEvery: 0 };
const vaeModel = { encoderWidths: [4], encoderBlocks: [1], decoderWidths: [4], decoderBlocks: [1], latentChannels: 2 };

/** What each command records of images that it enlarged, in its result and on disk. */
const commands: Record<string, (data: string, out: string, progress: Progress) => Promise<[unknown, unknown]>> = {
  async train(path, out, progress) {
    const config = parseConfig({ data: { path, size: 8, holdOut: 0.25 }, model, training }, 'test');
    const prepared = await preparePretraining(config, { kind: 'kind', progress });
    const result = await pretrain(prepared, { run: out, engine: 'cpu', progress, signal });
    return [result.enlarged, (await readRunRecord(out)).enlarged];
  },
  async 'train in latents'(path, out, progress) {
    const asked = { data: { path, size: 8 }, model, training, autoencoder: { path: at('vae') } };
    const prepared = await preparePretraining(parseConfig(asked, 'test'), { kind: 'dense', progress });
    const result = await pretrain(prepared, { run: out, engine: 'cpu', progress, signal });
    return [result.enlarged, (await readRunRecord(out)).enlarged];
  },
  async 'vae train'(path, out, progress) {
    const asked = { data: { path, size: 8, holdOut: 0.25 }, model: vaeModel, training };
    const prepared = await prepareVaeTraining(parseVaeTrainingConfig(asked, 'test'), progress);
    const result = await trainVae(prepared, { run: out, engine: 'cpu', progress, signal });
    return [result.enlarged, (await readVaeRunRecord(out)).enlarged];
  },
  async 'data latents'(path, out, progress) {
    const config = parseConfig({ data: { path, size: 8 }, autoencoder: { path: at('vae') } }, 'test');
    const request = { config, stored: 'mean', crops: 2, mirrored: true, shardImages: 3, progress } as const;
    const manifest = await encodeData(out, await prepareEncoding({ ...request, out }), signal);
    return [manifest.enlarged, (await readLatentManifest(out)).enlarged];
  },
  async 'data prepare'(path, out, progress) {
    const { dataset, recipe } = await openData(parseConfig({ data: { path, size: 8 } }, 'test').data, progress);
    const decoded = await decodeData(chooseClasses(dataset, ['a', 'b']), recipe, progress);
    await writePacked(`${out}.safetensors`, decoded);
    const { metadata } = await readSafetensors(`${out}.safetensors`, { names: ['labels'] });
    return [decoded.enlarged, metadata.enlarged && JSON.parse(metadata.enlarged)];
  },
};

describe.each(Object.entries(commands))('%s', (name, command) => {
  test('says in one line how many images it enlarged, and records it', async () => {
    const { warned, progress } = listening();
    const found = await command(at('photos'), at(`small ${name}`), progress);
    expect(found).toEqual([RECORD, RECORD]);
    expect(warned.filter((text) => text.includes('enlarged'))).toEqual([WARNING]);
  });

  test('says nothing where every image is large enough', async () => {
    const { warned, progress } = listening();
    expect(await command(at('large'), at(`large ${name}`), progress)).toEqual([undefined, undefined]);
    expect(warned.filter((text) => text.includes('enlarged'))).toEqual([]);
  });
});

test('a resumed run keeps the record and warns again; its record may be read', async () => {
  const { warned, progress } = listening();
  const prepared = await resumePretraining(at('small train'), { progress });
  const result = await pretrain(prepared, { run: at('small train'), engine: 'cpu', progress, signal });
  expect(result.enlarged).toEqual(RECORD);
  expect(warned).toContain(WARNING);
  expect((await readRunRecord(at('small train'))).enlarged).toEqual(RECORD);
});

test('latents that were interrupted count the images of all shards', async () => {
  const out = at('interrupted');
  const config = parseConfig({ data: { path: at('photos'), size: 8 }, autoencoder: { path: at('vae') } }, 'test');
  const { warned, progress } = listening();
  const request = { config, out, stored: 'mean', crops: 1, mirrored: false, shardImages: 3, batchSize: 1 } as const;
  const controller = new AbortController();
  let done = 0;
  const stopping: Progress = {
    ...progress,
    startBar: () => ({ update: (images) => void (++done === 4 && images && controller.abort()), stop() {} }),
  };
  const first = prepareEncoding({ ...request, progress: stopping });
  await expect(encodeData(out, await first, controller.signal)).rejects.toThrow('interrupted after 1 of 3 shards');
  expect(warned).toEqual([]);
  const { enlarged, shards } = await encodeData(out, await prepareEncoding({ ...request, progress }), signal);
  expect(shards.map((shard) => shard.enlarged?.images)).toEqual([1, 1, 1]);
  expect(enlarged).toEqual(RECORD);
  expect(warned).toEqual([WARNING]);
});
