import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { disposeParams, paramsToTensorData } from '@learngene/nn';
import { noProgress, parseConfig } from '@learngene/pipeline';
import {
  checkpointPath,
  describeSource,
  openPipeline,
  type RunRecord,
  readAutoencoder,
  readRunRecord,
} from '@learngene/pipeline/node';
import { createGenerator } from '@learngene/random';
import { writeSafetensors } from '@learngene/tensor-io/node';
import { tinyImages, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { initVae, klVaeConfig, tinyVaeConfig, type VaeConfig } from '@learngene/vae';
import { writeVae } from '@learngene/vae/node';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { openData } from '../data/open-data';
import { prepareEvaluation } from '../evaluate/prepare-evaluation';
import { runEvaluation } from '../evaluate/run-evaluation';
import { preparePretraining, pretrain, resumePretraining } from '../pretrain/pretrain';
import { sampleToFiles } from '../sample/sample-to-files';
import { prepareTransfer, transfer } from '../transfer/transfer';
import { type EncodeFolderOptions, encodeFolder } from './encode-folder';
import { openLatents } from './open-latents';

beforeAll(useTestBackend);
const folder = temporaryFolder('latents');
const at = (...parts: string[]) => join(folder, ...parts);
const signal = () => new AbortController().signal;

const widths = { encoderWidths: [4, 4], encoderBlocks: [0, 1], decoderWidths: [4, 4], decoderBlocks: [1, 0] };
const tiny = tinyVaeConfig('taesd', { ...widths, blockConvs: 1, scalingFactor: 2, shiftFactor: 0.1 });

async function makeVae(path: string, config: VaeConfig, seed: number): Promise<void> {
  const params = initVae(createGenerator(seed), config);
  await writeVae(path, { config, tensors: await paramsToTensorData(params) });
  disposeParams(params);
}

async function makeImages(path: string, perClass = 12): Promise<void> {
  const { tensors, metadata } = tinyImages({ perClass });
  await writeSafetensors(path, tensors, { metadata });
}

beforeAll(async () => {
  await makeVae(at('vae'), tiny, 1);
  await makeVae(at('other-vae'), tiny, 2);
  await makeVae(
    at('kl'),
    klVaeConfig({ widths: [4, 4], normGroups: 2, midBlockAttention: false, latentChannels: 2, blocksPerLevel: 1 }),
    3,
  );
  await makeImages(at('images.safetensors'));
});

async function options(more: Partial<EncodeFolderOptions> = {}, vae = 'vae'): Promise<EncodeFolderOptions> {
  const { data } = parseConfig({ data: { path: at('images.safetensors') } }, 'test');
  const { dataset, recipe } = await openData(data, noProgress);
  return {
    dataset,
    data: recipe,
    autoencoder: await readAutoencoder({ path: at(vae) }),
    stored: 'mean',
    seed: 0,
    crops: 1,
    mirrored: true,
    shardImages: 10,
    batchSize: 4,
    progress: noProgress,
    signal: signal(),
    ...more,
  };
}

const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

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
    const { createAutoencoder, vaeParamsFromTensorData } = await import('@learngene/vae');
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
    await expect(openLatents(at('stopped'))).rejects.toThrow('1 of 4 shards are written');
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

  test('with an altered shard is refused when that is read', async () => {
    cpSync(at('cache'), at('altered'), { recursive: true });
    change(at('altered', 'latents-00001.safetensors'));
    const { rows } = await openLatents(at('altered'));
    const still = { crops: [0], flips: [0] };
    await rows.read([3], still);
    await expect(rows.read([13], still)).rejects.toThrow(/latents-00001.safetensors: altered/);
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

describe.each(['kind', 'dense'] as const)('a %s model in latents', (kind) => {
  const config = (data: object, more: object = {}) =>
    parseConfig(
      {
        data: { classes: ['bars', 'dots'], novel: ['flat'], holdOut: 0.25, ...data },
        model: {
          patchSize: 2,
          hiddenSize: 16,
          depth: 1,
          heads: 2,
          ...(kind === 'kind' && { learngeneRank: 5, tailorRank: 2 }),
        },
        diffusion: { process: 'flow' },
        training: { steps: 16, batchSize: 8, warmup: 2, checkpointEvery: 6, logEvery: 4, sampleEvery: 8 },
        sampling: { sampler: 'euler', steps: 3 },
        ...more,
      },
      'test',
    );
  const train = async (name: string, asked: ReturnType<typeof config>) => {
    const prepared = await preparePretraining(asked, { kind, progress: noProgress });
    await pretrain(prepared, { run: at(name), engine: 'cpu', progress: noProgress, signal: signal() });
    return at(name);
  };
  const hashes = (run: string) =>
    ['params', 'ema', 'optimizer'].map((tree) => hashOf(join(checkpointPath(run, 16), `${tree}.safetensors`)));

  test('trains on a folder of latents; its record, its report and its previews say so', async () => {
    const before = tf.memory().numTensors;
    const run = await train(`${kind}-cached`, config({ latents: at('cache') }));
    expect(tf.memory().numTensors).toBe(before);
    const record: RunRecord = await readRunRecord(run);
    expect(record.model.dit).toMatchObject({ inputSize: 4, inChannels: 4, classes: 2 });
    expect(record.config.autoencoder).toMatchObject({ name: 'vae', downscale: 2, scalingFactor: 2, shiftFactor: 0.1 });
    expect(record.config.data).toMatchObject({
      latents: at('cache'),
      source: 'packed',
      path: at('images.safetensors'),
    });
    expect(record.config.sampling.clip).toBe(false);
    expect(existsSync(join(run, 'samples', 'step-8.png'))).toBe(true);
    expect(readFileSync(join(run, 'report.html'), 'utf8')).toContain('autoencoder.hash');
  });

  test('and on the same images, encoded at its start, to the same weights', async () => {
    const run = await train(
      `${kind}-encoded`,
      config({ path: at('images.safetensors') }, { autoencoder: { path: at('vae') } }),
    );
    expect(hashes(run)).toEqual(hashes(at(`${kind}-cached`)));
  });

  test('resumes to the same bits', async () => {
    const resumed = at(`${kind}-resumed`);
    cpSync(at(`${kind}-cached`), resumed, { recursive: true });
    rmSync(checkpointPath(resumed, 16), { recursive: true });
    const prepared = await resumePretraining(resumed, { progress: noProgress });
    await pretrain(prepared, { run: resumed, engine: 'cpu', progress: noProgress, signal: signal() });
    expect(hashes(resumed)).toEqual(hashes(at(`${kind}-cached`)));
  });

  test('is sampled from: images of the size of the pictures', async () => {
    const before = tf.memory().numTensors;
    const run = at(`${kind}-cached`);
    const pipeline = await openPipeline(run);
    const images = await pipeline.sample({ count: 2 });
    pipeline.dispose();
    expect(images).toMatchObject({ count: 4, height: 8, width: 8, channels: 3 });
    const source = await describeSource(run);
    const files = { out: at(`${kind}.png`), ids: [0, 1], count: 2, columns: 2, seed: 0, batchSize: 4 };
    const { sampling } = source.recipe;
    await sampleToFiles(source, { ...files, sampling, progress: noProgress, signal: signal() });
    await expect(openPipeline(run, { autoencoder: at('other-vae') })).rejects.toThrow(
      /autoencoder: the model works in latents of vae \(hash \w{12}\), got other-vae \(hash \w{12}\)/,
    );
    await expect(openPipeline(run, { autoencoder: at('nowhere') })).rejects.toThrow(/there is no autoencoder at/);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('is scored against held-out images', async () => {
    const prepared = await prepareEvaluation({
      from: at(`${kind}-cached`),
      metrics: ['fid'],
      requested: {},
      source: 'test',
      dataGiven: false,
      progress: noProgress,
    });
    const result = await runEvaluation(prepared, {
      count: 8,
      convention: 'adm',
      classifierSteps: 2,
      progress: noProgress,
      signal: signal(),
    });
    expect(result.fid).toBeGreaterThan(0);
  });

  test.each<[string, object, object, RegExp]>([
    [
      'another autoencoder',
      { latents: 'cache' },
      { autoencoder: { path: 'other-vae' } },
      /data.latents: expected latents of other-vae/,
    ],
    [
      'pixels',
      { latents: 'cache' },
      { sampling: { clip: true, sampler: 'euler' } },
      /sampling.clip: latents do not lie in/,
    ],
  ])('refuses latents of %s', async (_, data, more, message) => {
    const placed = (fields: Record<string, unknown>): Record<string, unknown> =>
      Object.fromEntries(
        Object.entries(fields).map(([name, value]) => {
          if (name === 'path' || name === 'latents') return [name, at(value as string)];
          return [name, typeof value === 'object' ? placed(value as Record<string, unknown>) : value];
        }),
      );
    const make = async () =>
      preparePretraining(config(placed({ ...data }), placed({ ...more })), { kind, progress: noProgress });
    await expect(make()).rejects.toThrow(message);
  });
});

describe('a transfer in latents', () => {
  test.each<[string, Record<string, unknown>, boolean]>([
    ['the novel class of the same folder of latents', {}, false],
    ['images, encoded at its start', { data: { path: 'images.safetensors', flip: true } }, true],
  ])('learns %s', async (name, requested, dataGiven) => {
    const data = requested.data as { path: string } | undefined;
    const asked = data === undefined ? requested : { data: { ...data, path: at(data.path) } };
    const run = at(`transfer-${name.split(' ').join('-')}`);
    const prepared = await prepareTransfer(at('kind-cached'), {
      requested: { ...asked, training: { steps: 4 } },
      source: 'test',
      dataGiven,
      classes: ['flat'],
      domain: 'near',
      progress: noProgress,
    });
    await transfer(prepared, { run, engine: 'cpu', progress: noProgress, signal: signal() });
    const { config, model } = await readRunRecord(run);
    expect(model.dit).toMatchObject({ inputSize: 4, inChannels: 4, classes: 1 });
    expect(config.data.latents).toBe(dataGiven ? undefined : at('cache'));
    const pipeline = await openPipeline(run);
    expect(await pipeline.sample()).toMatchObject({ count: 1, height: 8 });
    pipeline.dispose();
  });

  test('of other images than those of the latents is refused by class', async () => {
    await makeImages(at('fewer.safetensors'), 11);
    const { data } = parseConfig({ data: { path: at('fewer.safetensors'), latents: at('cache') } }, 'test');
    await expect(openData(data, noProgress)).rejects.toThrow(/has 33 images, the latents are of 36/);
    const small = parseConfig({ data: { latents: at('cache'), size: 16 } }, 'test');
    await expect(openData(small.data, noProgress)).rejects.toThrow(
      /data.size: the latents in .* are of data with none, got 16/,
    );
  });

  test('of images that are gone goes on without them, and says so', async () => {
    const warnings: string[] = [];
    const progress = { ...noProgress, warn: (text: string) => void warnings.push(text) };
    const { data } = parseConfig({ data: { path: at('gone.safetensors'), latents: at('cache') } }, 'test');
    const { dataset } = await openData(data, progress);
    expect(warnings[0]).toMatch(/the images are not there/);
    expect(dataset.size).toBe(36);
    await expect(dataset.read([0])).rejects.toThrow(/gone.safetensors/);
  });
});
