import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { noProgress, parseConfig } from '@learngene/pipeline';
import { checkpointPath, describeSource, openPipeline, type RunRecord, readRunRecord } from '@learngene/pipeline/node';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { openData } from '../src/data/open-data';
import { reopenRunData } from '../src/data/run-data';
import { prepareEvaluation } from '../src/evaluate/prepare-evaluation';
import { runEvaluation } from '../src/evaluate/run-evaluation';
import { encodeFolder } from '../src/latents/encode-folder';
import { preparePretraining, pretrain, resumePretraining } from '../src/pretrain/pretrain';
import { sampleToFiles } from '../src/sample/sample-to-files';
import { prepareTransfer, transfer } from '../src/transfer/transfer';
import { encodeOptions, hashOf, makeImages, makeTinyLatents } from './tiny-latents';

beforeAll(useTestBackend);
const folder = temporaryFolder('latents');
const at = (...parts: string[]) => join(folder, ...parts);
const signal = () => new AbortController().signal;

beforeAll(async () => {
  await makeTinyLatents(folder);
  await encodeFolder(at('cache'), await encodeOptions(folder));
  await encodeFolder(at('other-cache'), await encodeOptions(folder, {}, 'other-vae'));
});

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
        training: { steps: 8, batchSize: 6, warmup: 2, checkpointEvery: 3, logEvery: 4, sampleEvery: 8 },
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
    ['params', 'ema', 'optimizer'].map((tree) => hashOf(join(checkpointPath(run, 8), `${tree}.safetensors`)));

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
    rmSync(checkpointPath(resumed, 8), { recursive: true });
    const prepared = await resumePretraining(resumed, { progress: noProgress });
    await pretrain(prepared, { run: resumed, engine: 'cpu', progress: noProgress, signal: signal() });
    expect(hashes(resumed)).toEqual(hashes(at(`${kind}-cached`)));
  });

  test('resumes where latents and autoencoder lie now, to the same bits, and refuses others', async () => {
    const resumed = at(`${kind}-moved`);
    const places = { latents: at(`${kind}-cache-moved`), autoencoder: at(`${kind}-vae-moved`) };
    cpSync(at(`${kind}-cached`), resumed, { recursive: true });
    cpSync(at('cache'), places.latents, { recursive: true });
    cpSync(at('vae'), places.autoencoder, { recursive: true });
    rmSync(checkpointPath(resumed, 8), { recursive: true });
    const prepared = await resumePretraining(resumed, { ...places, progress: noProgress });
    await pretrain(prepared, { run: resumed, engine: 'cpu', progress: noProgress, signal: signal() });
    expect(hashes(resumed)).toEqual(hashes(at(`${kind}-cached`)));
    expect((await readRunRecord(resumed)).config).toMatchObject({
      data: { latents: places.latents },
      autoencoder: { path: places.autoencoder, scalingFactor: 2, shiftFactor: 0.1 },
    });

    const refusals: [run: string, moved: object, message: RegExp][] = [
      [
        resumed,
        { latents: at('gone') },
        /data.latents: there are no latents in .*gone; if they are elsewhere now, say/,
      ],
      [resumed, { autoencoder: at('other-vae') }, /autoencoder: the model works in latents of .*, got other-vae/],
      [at(`${kind}-encoded`), { latents: at('cache') }, /data.latents: the run takes no folder of latents/],
    ];
    for (const [run, moved, message] of refusals) {
      await expect(resumePretraining(run, { ...moved, progress: noProgress })).rejects.toThrow(message);
    }
    const { record } = await preparePretraining(config({ path: at('images.safetensors') }), {
      kind,
      progress: noProgress,
    });
    await expect(reopenRunData(record, { autoencoder: at('vae'), progress: noProgress })).rejects.toThrow(
      'autoencoder: the model works in pixels and takes none',
    );
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
    const request = {
      from: at(`${kind}-cached`),
      metrics: ['fid'] as const,
      source: 'test',
      dataGiven: false,
      progress: noProgress,
    };
    const elsewhere = (path: string) => prepareEvaluation({ ...request, requested: { autoencoder: { path } } });
    // Before an image is decoded.
    await expect(elsewhere(at('nowhere'))).rejects.toThrow(/autoencoder: there is no autoencoder at .*nowhere/);
    await expect(elsewhere(at('other-vae'))).rejects.toThrow(
      /autoencoder: the model works in latents of vae \(hash \w{12}\), got other-vae \(hash \w{12}\)/,
    );
    const asked = (requested: object) => prepareEvaluation({ ...request, requested: { ...requested } });
    const hash = '0'.repeat(64);
    await expect(asked({ autoencoder: { hash } })).rejects.toThrow(
      /works in latents of vae .*, got vae \(hash 0{12}\)/,
    );
    await expect(asked({ autoencoder: { downscale: 8 } })).rejects.toThrow(
      /autoencoder.downscale: expected 2, .*got 8/,
    );
    await expect(asked({ data: { latents: at('other-cache') } })).rejects.toThrow(
      /data.latents: expected latents of vae \(hash \w{12}\), got other-vae \(hash \w{12}\)/,
    );
    const prepared = await prepareEvaluation({ ...request, requested: {} });
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
    ...[true, false].flatMap((cached) =>
      (['imageChannels', 'latentChannels', 'downscale'] as const).map((field): [string, object, object, RegExp] => [
        `${cached ? 'a folder' : 'images'} with another ${field}`,
        cached ? { latents: 'cache' } : { path: 'images.safetensors' },
        { autoencoder: { path: 'vae', [field]: 7 } },
        new RegExp(`autoencoder.${field}: expected \\d, as vae \\(hash \\w{12}\\) has it, or none, got 7`),
      ]),
    ),
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

  test.each<[string, () => Record<string, unknown>, RegExp]>([
    [
      'kind-cached',
      () => ({ path: at('other-vae') }),
      /^autoencoder: the model works in latents of vae \(hash [0-9a-f]{12}\), got other-vae \(hash [0-9a-f]{12}\)/,
    ],
    [
      'kind-cached',
      () => ({ name: 'emoji' }),
      /^autoencoder: the model works in latents of vae \(hash .*got emoji \(hash/,
    ],
  ])('from %s with another autoencoder names both', async (from, autoencoder, message) => {
    const prepared = prepareTransfer(at(from), {
      requested: { autoencoder: autoencoder() },
      source: 'test',
      dataGiven: false,
      classes: ['flat'],
      domain: 'near',
      progress: noProgress,
    });
    await expect(prepared).rejects.toThrow(message);
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
