import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { holdOut, inMemoryDataset, subset } from '@learngene/datasets';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { ConfigError, createDiffusionProcess, noProgress, parseConfig, sampleClasses } from '@learngene/pipeline';
import {
  checkpointPath,
  checkpointSteps,
  type DenseRunRecord,
  describeModel,
  describeSource,
  RUN_FORMAT,
  readKindRecord,
  readRunRecord,
} from '@learngene/pipeline/node';
import { expectNoLeak, tinyImages, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkDenseSettings } from '../config/dense-config';
import { networkConfig } from '../config/model-config';
import { InterruptedError } from '../errors';
import { createRunFolder } from '../run-folder/create-run';
import { readMetricsLog } from '../run-folder/metrics-log';
import { type RunTrainingOptions, runTraining } from './run-training';

beforeAll(useTestBackend);
const folder = temporaryFolder('dense');

const { tensors } = tinyImages();
const classes = ['bars', 'dots', 'flat'];
const data = inMemoryDataset({
  name: 'tiny',
  classes,
  height: 8,
  width: 8,
  channels: 3,
  images: tensors.get('images')!.data as Uint8Array,
  labels: tensors.get('labels')!.data as Int32Array,
});
const config = parseConfig(
  {
    data: { source: 'packed', path: 'tiny' },
    model: { patchSize: 4, hiddenSize: 16, depth: 1, heads: 2, labelDropout: 0.2 },
    diffusion: { timesteps: 10, timestepSampler: 'loss-second-moment' },
    // Always clipped, so that the order in which the norm is summed would show.
    training: {
      steps: 30,
      batchSize: 8,
      warmup: 5,
      weightDecay: 0.01,
      clipNorm: 0.05,
      checkpointEvery: 10,
      logEvery: 10,
      sampleEvery: 0,
    },
    sampling: { steps: 3 },
  },
  'test',
);
const record: DenseRunRecord = {
  format: RUN_FORMAT,
  command: 'train',
  kind: 'dense',
  config,
  model: { dit: networkConfig(config, data), classNames: classes },
  engine: 'cpu',
  versions: {},
};

const job = (run: string, more: Partial<RunTrainingOptions> = {}): RunTrainingOptions => ({
  run,
  record,
  data,
  progress: noProgress,
  signal: new AbortController().signal,
  ...more,
});

const hashes = (run: string) =>
  ['params', 'ema', 'optimizer'].map((tree) =>
    createHash('sha256')
      .update(readFileSync(join(checkpointPath(run, 30), `${tree}.safetensors`)))
      .digest('hex'),
  );

describe('a run of a dense DiT', () => {
  const run = join(folder, 'run');

  test('learns, and its folder says what it is', async () => {
    await expectNoLeak(async () => {
      rmSync(run, { recursive: true, force: true });
      await createRunFolder(run, record);
      (await runTraining(job(run))).dispose();
    });
    const log = readMetricsLog(run);
    expect(log.map(({ step }) => step)).toEqual([10, 20, 30]);
    expect(log[2].loss).toBeLessThan(log[0].loss);
    expect(await readRunRecord(run)).toEqual(record);
    const report = readFileSync(join(run, 'report.html'), 'utf8');
    expect(report).toContain('DiT training');
    expect(report).not.toContain('learngenes');
  });

  test('resumes to the same bits, from the last checkpoint and from where it was interrupted', async () => {
    const expected = hashes(run);
    const resumed = join(folder, 'resumed');
    cpSync(run, resumed, { recursive: true });
    rmSync(checkpointPath(resumed, 30), { recursive: true });
    expect(await checkpointSteps(resumed)).toEqual([20]);
    (await runTraining(job(resumed))).dispose();
    expect(hashes(resumed)).toEqual(expected);

    const stopped = join(folder, 'stopped');
    await createRunFolder(stopped, record);
    const controller = new AbortController();
    const progress = {
      ...noProgress,
      startBar: () => ({
        update: (step: number) => (step === 13 ? controller.abort(new InterruptedError('stop')) : undefined),
        stop() {},
      }),
    };
    const training = runTraining(job(stopped, { progress, signal: controller.signal }));
    await expect(training).rejects.toThrow('interrupted after step 13');
    (await runTraining(job(stopped))).dispose();
    expect(hashes(stopped)).toEqual(expected);
  });

  test('is sampled from by its recipe', async () => {
    await expectNoLeak(async () => {
      const { path, classNames, dit, recipe, kind, load } = await describeSource(run);
      expect([path, classNames, dit, recipe, kind]).toEqual([run, classes, record.model.dit, config, undefined]);
      const model = await load();
      const options = { labels: Int32Array.of(0, 2), sampling: recipe.sampling, seed: 1 };
      const images = await sampleClasses(model, createDiffusionProcess(recipe), options);
      expect([images.count, images.height, images.data.length]).toEqual([2, 8, 2 * 192]);
      const learner = await runTraining(job(run)); // finished: restored and not trained
      expect(await sampleClasses(learner.model(), createDiffusionProcess(config), options)).toEqual(images);
      learner.dispose();
      disposeParams(model.params as unknown as ParamTree);
    });
    await expect(describeSource(join(folder, 'empty'))).rejects.toThrow(ConfigError);
  });

  test('is no model of learngenes and tailors', async () => {
    await expect(readKindRecord(run)).rejects.toThrow(ConfigError);
    await expect(describeModel(run)).rejects.toThrow(
      'expected a run of learngenes and tailors; this one trains a dense DiT',
    );
    await expect(runTraining(job(run, { trainable: 'tailors' }))).rejects.toThrow(
      "trainable: expected 'all' for a dense model, got 'tailors'",
    );
  });

  test.each<[string, object, string]>([
    ['another kind', { kind: 'sparse' }, 'kind: expected kind or dense, got "sparse"'],
    ['too few classes', { model: { ...record.model, classNames: ['bars'] } }, 'model'],
    ['a rank of tailors', { model: { ...record.model, tailorRank: 2 } }, 'model'],
    ['the model of learngenes', { kind: 'kind' }, 'model'],
  ])('with a record of %s is refused', async (name, change, message) => {
    const broken = join(folder, name);
    await createRunFolder(broken, record);
    writeFileSync(join(broken, 'config.json'), JSON.stringify({ ...record, ...change }));
    await expect(readRunRecord(broken)).rejects.toThrow(ConfigError);
    await expect(readRunRecord(broken)).rejects.toThrow(message);
  });
});

describe('the validation loss of the configuration', () => {
  const split = holdOut(data, { fraction: 0.25, seed: config.seed });
  const validation = { every: 7 };
  const validated: DenseRunRecord = { ...record, config: { ...config, validation } };
  const validatedJob = (run: string, more: Partial<RunTrainingOptions> = {}) =>
    job(run, { record: validated, data: split.train, heldOut: split.heldOut, ...more });
  const lossesOf = (run: string) =>
    readMetricsLog(run).flatMap(({ step, validationLoss }) =>
      validationLoss === undefined ? [] : [[step, validationLoss]],
    );

  test('is logged, shown and drawn, and the weights are those of a run without it', async () => {
    const plain = join(folder, 'plain');
    await createRunFolder(plain, record);
    (await runTraining(job(plain, { data: split.train }))).dispose();
    expect(lossesOf(plain)).toEqual([]);
    expect(readFileSync(join(plain, 'report.html'), 'utf8')).not.toMatch(/validation/i);

    const run = join(folder, 'validated');
    const notes: string[] = [];
    const progress = {
      ...noProgress,
      startBar: () => ({ update: (_: number, note = '') => void notes.push(note), stop() {} }),
    };
    await expectNoLeak(async () => {
      rmSync(run, { recursive: true, force: true });
      await createRunFolder(run, validated);
      (await runTraining(validatedJob(run, { progress }))).dispose();
    });
    expect(hashes(run)).toEqual(hashes(plain));
    const losses = lossesOf(run);
    expect(losses.map(([step]) => step)).toEqual([7, 14, 21, 28, 30]);
    expect(losses[4][1]).toBeLessThan(losses[0][1]);
    expect(notes.at(-1)).toContain(`validation loss ${losses[4][1].toFixed(4)}`);
    expect(await readRunRecord(run)).toEqual(validated);
    const report = readFileSync(join(run, 'report.html'), 'utf8');
    expect(report).toContain('Training and validation loss');
    expect(report).toContain('validation.every');
  });

  test('a resume writes the same lines and has the same bits', async () => {
    const run = join(folder, 'validated');
    const stopped = join(folder, 'validated, stopped');
    await createRunFolder(stopped, validated);
    const controller = new AbortController();
    const progress = {
      ...noProgress,
      startBar: () => ({
        update: (step: number) => (step === 16 ? controller.abort(new InterruptedError('stop')) : undefined),
        stop() {},
      }),
    };
    await expect(runTraining(validatedJob(stopped, { progress, signal: controller.signal }))).rejects.toThrow(
      'step 16',
    );
    (await runTraining(validatedJob(stopped))).dispose();
    expect(hashes(stopped)).toEqual(hashes(run));
    expect(lossesOf(stopped)).toEqual(lossesOf(run));
    const lines = (path: string) =>
      readMetricsLog(path).map(({ step, loss, gradientNorm }) => [step, loss, gradientNorm]);
    expect(lines(stopped)).toEqual(lines(run));
  });

  test('is refused by name where there are no held-out images', async () => {
    const run = join(folder, 'nothing held out');
    await createRunFolder(run, validated);
    await expect(runTraining(validatedJob(run, { heldOut: undefined }))).rejects.toThrow(
      'heldOut: expected the images',
    );
    const none = runTraining(validatedJob(run, { heldOut: subset(data, []) }));
    await expect(none).rejects.toThrow('validation: expected held-out images, got none');
  });
});

test.each([
  ['model', 'learngeneRank', 4],
  ['model', 'tailorRank', 4],
  ['model', 'init', 'xavier'],
  ['model', 'gate', 'soft'],
  ['model', 'nullGate', 'own-class'],
  ['training', 'factorLearningRateScale', 1],
  ['training', 'orthogonality', 0],
])('a dense model has no %s.%s', (section, name, value) => {
  expect(() => checkDenseSettings({ [section]: { [name]: value } })).toThrow(
    `${section}.${name}: a dense model has no learngenes and tailors; leave it out`,
  );
  checkDenseSettings({ [section]: { [name]: undefined, steps: 3 } });
});
