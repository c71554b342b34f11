import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inMemoryDataset } from '@learngene/datasets';
import { disposeParams } from '@learngene/nn';
import { noProgress, type Progress } from '@learngene/pipeline';
import { checkpointPath, checkpointSteps, identify, readRunRecord } from '@learngene/pipeline/node';
import { writeSafetensors } from '@learngene/tensor-io/node';
import { expectNoLeak, tinyImages, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { vaeParamsFromTensorData } from '@learngene/vae';
import { readVae } from '@learngene/vae/node';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { InterruptedError } from '../errors';
import { readMetricsLog } from '../run-folder/metrics-log';
import { parseVaeTrainingConfig, type VaeTrainingConfigInput } from './config';
import { reconstructionErrors } from './reconstruction-error';
import { readVaeRunRecord } from './record';
import type { VaeRunOutcome } from './run-vae-training';
import { prepareVaeTraining, prepareVaeTrainingOn, resumeVaeTraining, trainVae } from './train-vae';

beforeAll(useTestBackend);
const folder = temporaryFolder('vae');
const images = join(folder, 'images.safetensors');
const { tensors, metadata } = tinyImages();
beforeAll(() => writeSafetensors(images, tensors, { metadata }));

const SETTINGS = {
  data: { path: images, holdOut: 0.25 },
  model: {
    latentChannels: 4,
    encoderWidths: [6, 8],
    decoderWidths: [8, 6],
    encoderBlocks: [1, 1],
    decoderBlocks: [1, 1],
  },
  augmentation: { shift: 1, permuteChannels: 0.3 },
  training: {
    steps: 12,
    batchSize: 6,
    learningRate: 4e-3,
    warmup: 2,
    checkpointEvery: 5,
    logEvery: 3,
    validateEvery: 6,
    sampleEvery: 5,
  },
} satisfies VaeTrainingConfigInput;

const settings = (more: VaeTrainingConfigInput = {}) => parseVaeTrainingConfig({ ...SETTINGS, ...more }, 'test');
const prepare = (more: VaeTrainingConfigInput = {}) => prepareVaeTraining(settings(more), noProgress);

const options = (run: string, more: { signal?: AbortSignal; progress?: Progress } = {}) => ({
  run,
  engine: 'cpu',
  progress: noProgress,
  signal: new AbortController().signal,
  ...more,
});

/** Aborts when the bar of the training reaches a step. */
function abortAt(step: number) {
  const controller = new AbortController();
  const progress: Progress = {
    ...noProgress,
    startBar: () => ({
      update(done) {
        if (done === step) controller.abort(new InterruptedError('stop', { signal: 'SIGTERM' }));
      },
      stop() {},
    }),
  };
  return { progress, signal: controller.signal };
}

const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** What the last checkpoint, the log and the finished autoencoder of a run hold, apart from times. */
function outcome(run: string) {
  const last = checkpointPath(run, 12);
  const files = readdirSync(last)
    .filter((name) => name.endsWith('.safetensors'))
    .map((name) => hashOf(join(last, name)));
  const { batches, window } = JSON.parse(readFileSync(join(last, 'state.json'), 'utf8')).state;
  const log = readMetricsLog(run).map(({ step, loss, gradientNorm, learningRate, validationLoss }) => [
    step,
    loss,
    gradientNorm,
    learningRate,
    validationLoss,
  ]);
  const weights = readdirSync(join(run, 'autoencoder')).map((name) => hashOf(join(run, 'autoencoder', name)));
  return { files, batches, window, log, weights };
}

describe('the run of an autoencoder', () => {
  const run = join(folder, 'unbroken');
  let result: VaeRunOutcome;
  beforeAll(async () => {
    result = await trainVae(await prepare(), options(run));
  });

  test('leaves an autoencoder in float16 with the error that it says', async () => {
    const { config, tensors: weights } = await readVae(result.folder);
    expect([...weights.values()].map(({ dtype }) => dtype)).toEqual(new Array(weights.size).fill('F16'));
    expect(config).toMatchObject({ latentChannels: 4, encoderWidths: [6, 8], ...result.scale });
    expect(result.parameters).toBe([...weights.values()].reduce((sum, { data }) => sum + data.length, 0));
    const { heldOut } = await (await resumeVaeTraining(run, { progress: noProgress })).images(noProgress);
    expect(heldOut.size).toBe(result.heldOut);
    const params = vaeParamsFromTensorData(weights, config);
    const errors = await reconstructionErrors({ config, params }, heldOut);
    disposeParams(params);
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeCloseTo(
      result.meanSquaredError as number,
      9,
    );
  });

  test('has a record, a log with the error of held-out images, grids and a report', async () => {
    expect(await readVaeRunRecord(run)).toMatchObject({ command: 'vae train', kind: 'autoencoder', engine: 'cpu' });
    expect(await checkpointSteps(run)).toEqual([10, 12]);
    const measured = readMetricsLog(run).filter(({ validationLoss }) => validationLoss !== undefined);
    expect(measured.map(({ step }) => step)).toEqual([6, 12]);
    expect(measured[1].validationLoss).toBeCloseTo(result.meanSquaredError as number, 3); // but for float16
    expect(readdirSync(join(run, 'samples')).sort()).toEqual(['step-10.png', 'step-12.png', 'step-5.png']);
    const { width, height } = await sharp(join(run, 'samples', 'step-12.png')).metadata();
    expect(width).toBeGreaterThan(height as number); // 12 columns of few rows
    const report = readFileSync(result.report, 'utf8');
    for (const text of ['What came of it', 'held-out images', 'augmentation.permuteChannels', 'model.encoderWidths']) {
      expect(report).toContain(text);
    }
    expect(report).toContain('Held-out error: mean squared error');
    expect(report).toContain('Training loss');
    expect(report).not.toMatch(/validation loss/i);
  });

  test('interrupted, it resumes to the same bits, and nothing leaks', async () => {
    let attempt = 0;
    await expectNoLeak(async () => {
      const stopped = join(folder, `stopped-${attempt++}`);
      await expect(trainVae(await prepare(), options(stopped, abortAt(7)))).rejects.toMatchObject({
        name: 'InterruptedError',
        signal: 'SIGTERM',
        code: 'training-interrupted',
        message: 'interrupted after step 7; a checkpoint was written',
      });
      expect(await checkpointSteps(stopped)).toEqual([5, 7]);
      await trainVae(await resumeVaeTraining(stopped, { progress: noProgress }), options(stopped));
      expect(outcome(stopped)).toEqual(outcome(run));
    });
  });

  test('another seed gives other weights', async () => {
    const training = { ...SETTINGS.training, steps: 1, sampleEvery: 0 };
    const weights: string[] = [];
    for (const seed of [0, 0, 1]) {
      const other = join(folder, `other-${weights.length}`);
      await trainVae(await prepare({ seed, training }), options(other));
      weights.push(hashOf(join(other, 'autoencoder', 'model.safetensors')));
    }
    expect(weights[1]).toBe(weights[0]);
    expect(weights[2]).not.toBe(weights[0]);
  });

  test('its data may move', async () => {
    const moved = join(folder, 'moved.safetensors');
    cpSync(images, moved);
    const again = join(folder, 'again');
    cpSync(run, again, { recursive: true });
    await trainVae(await resumeVaeTraining(again, { place: moved, progress: noProgress }), options(again));
    const { config, changes } = await readVaeRunRecord(again);
    expect([config.data.path, changes]).toEqual([moved, [{ step: 12, config: { 'data.path': [images, moved] } }]]);
  });

  test('other images, and runs of another command, are refused', async () => {
    const all = { height: 8, width: 8, channels: 3, classes: ['a'], labels: [0], images: new Uint8Array(192) };
    const own = inMemoryDataset({ name: 'one', ...all });
    await expect(
      resumeVaeTraining(run, { own: { train: own, heldOut: own }, progress: noProgress }),
    ).rejects.toMatchObject({ name: 'ConfigError', code: 'data-changed' });
    await expect(readRunRecord(run)).rejects.toThrow(
      'kind: expected kind or dense, got "autoencoder"; this is the run',
    );
    expect(await identify(join(run, 'autoencoder'))).not.toMatchObject({ kind: 'run' });
    await expect(readVaeRunRecord(folder)).rejects.toThrow('not a run folder (no config.json)');
    await expect(readVaeRunRecord(join(folder, 'none'))).rejects.toThrow('not a run folder: no such file or folder');
    await expect(prepare({ data: { path: run } })).rejects.toThrow(
      `data.path ${run}: expected images; this is the run of an autoencoder; what it trained is ${join(run, 'autoencoder')}`,
    );
    await expect(prepare({ data: { path: join(run, 'samples') } })).rejects.toThrow(`this is a part of the run ${run}`);
    const edited = join(folder, 'edited');
    mkdirSync(edited);
    const record = JSON.parse(readFileSync(join(run, 'config.json'), 'utf8'));
    for (const [change, message] of [
      [{ precision: 'f16' }, 'expected only format, command, kind'],
      [{ format: 9 }, 'expected format 2, got 9'],
      [{ model: { ...record.model, encoderBlocks: [1] } }, 'model.encoderBlocks'],
      [{ config: { ...record.config, sed: 1 } }, 'unknown key sed'],
      [{ command: 'train', kind: 'dense' }, 'expected the run of an autoencoder'],
    ] as const) {
      writeFileSync(join(edited, 'config.json'), JSON.stringify({ ...record, ...change }));
      await expect(readVaeRunRecord(edited)).rejects.toThrow(message);
    }
  });
});

describe('the training of an autoencoder says', () => {
  /** What a training of two steps says: warnings and the notes beside its bar. */
  async function told(name: string, batchSize: number) {
    const [warnings, notes]: string[][] = [[], []];
    const progress: Progress = {
      info() {},
      warn: (text) => void warnings.push(text),
      startBar: () => ({ update: (_, note = '') => void notes.push(note), stop() {} }),
    };
    const prepared = await prepare({ training: { ...SETTINGS.training, steps: 2, batchSize, sampleEvery: 0 } });
    await trainVae(prepared, options(join(folder, name), { progress }));
    return { warnings, notes, size: (await prepared.images(noProgress)).train.size };
  }

  test('once that a batch is larger than the data, with both numbers, and the held-out error by its name', async () => {
    const { warnings, notes, size } = await told('cut', 1000);
    expect(warnings).toEqual([`training.batchSize: 1000 is more than there are images; a step takes all ${size}`]);
    expect(notes.join()).toMatch(/loss \d.*, held-out error \d/);
    expect(notes.join()).not.toContain('validation');
    expect((await told('all', size)).warnings).toEqual([]);
  });

  test('that a model is too large, before an image is decoded and a folder made', async () => {
    const model = { ...SETTINGS.model, encoderWidths: [16384, 16384] };
    await expect(prepare({ model })).rejects.toThrow(/^model\.encoderWidths: /);
  });
});

describe('the data of an autoencoder', () => {
  const picture = (path: string) => {
    mkdirSync(join(path, '..'), { recursive: true });
    return sharp({ create: { width: 20, height: 20, channels: 3, background: '#336699' } }).toFile(path);
  };

  test('may be a folder of images without classes', async () => {
    const flat = join(folder, 'flat');
    for (const name of ['b.png', 'a.jpg', 'c.webp']) await picture(join(flat, name));
    writeFileSync(join(flat, 'notes.txt'), 'no image');
    const prepared = await prepare({ data: { path: flat, size: 16, holdOut: 0.34 } });
    expect(prepared.record.config.data).toMatchObject({ source: 'images', path: flat, size: 16 });
    const { train, heldOut } = await prepared.images(noProgress);
    expect([train.size, heldOut.size, train.height]).toEqual([2, 1, 16]);
    rmSync(join(flat, 'b.png'));
    const { images: counts } = prepared.record;
    expect(counts.counts).toEqual([3]);
  });

  test('may be a folder of class folders', async () => {
    const classes = join(folder, 'classes');
    for (const name of ['x/a.png', 'x/b.png', 'y/c.png']) await picture(join(classes, name));
    const { record } = await prepare({ data: { path: classes } });
    expect(record.config.data).toMatchObject({ source: 'folder', size: 64 });
    expect(record.images.counts).toEqual([2, 1]);
  });

  test('is refused by name where it is none, or its size does not fit', async () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    const text = join(folder, 'text.txt');
    writeFileSync(text, 'no data');
    await expect(prepare({ data: {} })).rejects.toThrow('data: no data given');
    await expect(prepare({ data: { path: join(folder, 'nowhere') } })).rejects.toThrow(/nowhere.*found none/);
    await expect(prepare({ data: { path: empty } })).rejects.toThrow(/empty.*got an empty one/);
    await expect(prepare({ data: { path: empty, source: 'images' } })).rejects.toThrow(
      `data.path ${empty}: expected images in the folder, got none`,
    );
    await expect(prepare({ data: { path: text } })).rejects.toThrow(/text\.txt.*a file of another kind/);
    await expect(prepare({ data: { source: 'images' } })).rejects.toThrow('data.path: needed for a folder of images');
    const odd = join(folder, 'odd');
    await picture(join(odd, 'a.png'));
    await expect(prepare({ data: { path: odd, size: 18 } })).rejects.toThrow(
      'data.size: expected a multiple of 4 for this autoencoder, got 18x18',
    );
  });

  test('may be images of one’s own', async () => {
    const own = inMemoryDataset({
      name: 'own',
      height: 8,
      width: 8,
      channels: 1,
      classes: ['a'],
      labels: new Array(5).fill(0),
      images: Uint8Array.from({ length: 320 }, (_, i) => i % 251),
    });
    const run = join(folder, 'own');
    const training = { ...SETTINGS.training, steps: 2, sampleEvery: 0 };
    const prepared = prepareVaeTrainingOn(settings({ training, data: {} }), { train: own, heldOut: own });
    const { meanSquaredError, heldOut } = await trainVae(prepared, options(run));
    expect([heldOut, Number.isFinite(meanSquaredError)]).toEqual([5, true]);
    expect(readdirSync(join(run, 'samples'))).toEqual([]);
  });
});
