import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { classCounts, holdOut, inMemoryDataset, subset } from '@learngene/datasets';
import { ConfigError, noProgress, parseConfig } from '@learngene/pipeline';
import { checkpointPath, type KindRunRecord, RUN_FORMAT, readRunRecord } from '@learngene/pipeline/node';
import { expectNoLeak, tinyImages, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import { modelConfig } from '../config/model-config';
import { InterruptedError } from '../errors';
import { createRunFolder } from '../run-folder/create-run';
import { type MetricsLine, readMetricsLog } from '../run-folder/metrics-log';
import { CLASSIFIER_FILE, openFidMeter } from './fid-meter';
import { type RunTrainingOptions, runTraining } from './run-training';

beforeAll(useTestBackend);
const folder = temporaryFolder('validation');

const { tensors } = tinyImages();
const classes = ['bars', 'dots', 'flat'];
const images = inMemoryDataset({
  ...{ name: 'tiny', classes, height: 8, width: 8, channels: 3 },
  images: tensors.get('images')!.data as Uint8Array,
  labels: tensors.get('labels')!.data as Int32Array,
});
// Of the dots fewer are held out than of the others.
const data = subset(
  images,
  Array.from({ length: images.size }, (_, i) => i).filter((i) => images.labels[i] !== 1 || i < 16),
);
const split = holdOut(data, { fraction: 0.25, seed: 0 });

function recordOf(validation?: object): KindRunRecord {
  const config = parseConfig(
    {
      data: { source: 'packed', path: 'tiny' },
      model: {
        ...{ patchSize: 4, hiddenSize: 16, depth: 1, heads: 2, labelDropout: 0.2, learngeneRank: 6, tailorRank: 2 },
      },
      diffusion: { process: 'flow' },
      training: { steps: 20, batchSize: 8, warmup: 5, checkpointEvery: 20, logEvery: 6, sampleEvery: 0 },
      validation,
      sampling: { sampler: 'euler', steps: 2 },
    },
    'test',
  );
  const model = modelConfig(config, data);
  return { format: RUN_FORMAT, command: 'train', kind: 'kind', config, model, engine: 'cpu', versions: {} };
}

const validated = recordOf({ every: 10, fidEvery: 8, fidImages: 12, fidClassifierSteps: 12 });

const job = (run: string, more: Partial<RunTrainingOptions> = {}): RunTrainingOptions => ({
  ...{ run, record: validated, data: split.train, heldOut: split.heldOut, progress: noProgress },
  signal: new AbortController().signal,
  ...more,
});

const hashes = (run: string) =>
  ['params', 'ema', 'optimizer'].map((tree) =>
    createHash('sha256')
      .update(readFileSync(join(checkpointPath(run, 20), `${tree}.safetensors`)))
      .digest('hex'),
  );

/** Lines without what depends on the clock and the machine. */
const measured = (run: string) =>
  readMetricsLog(run).map(
    ({ stepsPerSecond: _, imagesPerSecond: _i, time: _t, rssMiB: _r, tensors: _n, ...line }) => line,
  );

describe('what a configuration asks to be measured', () => {
  const run = join(folder, 'run');

  test('stands in the log, and the weights are those of a run without it', async () => {
    const plain = join(folder, 'plain');
    await createRunFolder(plain, recordOf());
    (await runTraining(job(plain, { record: recordOf(), heldOut: undefined }))).dispose();
    expect(existsSync(join(plain, CLASSIFIER_FILE))).toBe(false);
    expect(measured(plain).map(({ step }) => step)).toEqual([6, 12, 18, 20]);

    await expectNoLeak(async () => {
      rmSync(run, { recursive: true, force: true });
      await createRunFolder(run, validated);
      (await runTraining(job(run))).dispose();
    });
    expect(hashes(run)).toEqual(hashes(plain));
    const lines = measured(run);
    const stepsWith = (field: keyof MetricsLine) => lines.flatMap((line) => (field in line ? [line.step] : []));
    expect(stepsWith('step')).toEqual([6, 8, 10, 12, 16, 18, 20]);
    for (const field of ['validationLoss', 'validationLossByQuarter', 'validationLossByClass'] as const) {
      expect(stepsWith(field)).toEqual([10, 20]);
    }
    for (const field of ['fid', 'noiseFid', 'trainFid'] as const) expect(stepsWith(field)).toEqual([8, 16, 20]);
    expect(stepsWith('lossByQuarter')).toEqual(stepsWith('step'));
    const { fid, noiseFid, trainFid } = lines[lines.length - 1];
    expect(Math.min(fid as number, noiseFid as number)).toBeGreaterThan(trainFid as number);
    expect(await readRunRecord(run)).toEqual(validated);
    expect(readFileSync(join(run, 'report.html'), 'utf8')).toContain('FID against held-out images');
  });

  test('the validation loss is the mean of its parts, weighted by their images', () => {
    const counts = classCounts(split.heldOut);
    expect(new Set(counts).size).toBeGreaterThan(1);
    for (const { validationLoss, validationLossByClass, validationLossByQuarter } of measured(run)) {
      if (validationLoss === undefined) continue;
      const byClass = classes.map((name) => validationLossByClass?.[name] as number);
      const mean = byClass.reduce((sum, loss, i) => sum + loss * counts[i], 0) / split.heldOut.size;
      expect(mean).toBeCloseTo(validationLoss, 6);
      expect(validationLossByQuarter).toHaveLength(4);
    }
  });

  test.each([13, 16])('a run that is stopped after step %d and resumed writes the same lines', async (stop) => {
    const stopped = join(folder, `stopped after ${stop}`);
    await createRunFolder(stopped, validated);
    const controller = new AbortController();
    const startBar = (title: string) => ({
      update: (step: number) =>
        title === 'Training' && step === stop ? controller.abort(new InterruptedError('stop')) : undefined,
      stop() {},
    });
    const first = runTraining(job(stopped, { progress: { ...noProgress, startBar }, signal: controller.signal }));
    await expect(first).rejects.toThrow(`interrupted after step ${stop}`);
    (await runTraining(job(stopped))).dispose();
    expect(hashes(stopped)).toEqual(hashes(run));
    expect(measured(stopped)).toEqual(measured(run));
  });

  test('an interruption while samples are drawn for a FID leaves a checkpoint of that step', async () => {
    const stopped = join(folder, 'stopped while sampling');
    await createRunFolder(stopped, validated);
    const controller = new AbortController();
    const startBar = (title: string) => {
      if (title === 'Drawing samples for the FID') controller.abort(new InterruptedError('stop'));
      return { update() {}, stop() {} };
    };
    const first = runTraining(job(stopped, { progress: { ...noProgress, startBar }, signal: controller.signal }));
    await expect(first).rejects.toThrow('interrupted after step 8; a checkpoint was written');
    (await runTraining(job(stopped))).dispose();
    expect(hashes(stopped)).toEqual(hashes(run));
    expect(measured(stopped).map(({ step, fid }) => [step, fid !== undefined])).toEqual(
      measured(run).map(({ step, fid }) => [step, fid !== undefined && step !== 8]),
    );
  });

  test('a FID without held-out images is refused by name', async () => {
    const one = subset(split.heldOut, [0]);
    const { config } = validated;
    const options = { ...job(folder), config, decode: undefined, model: () => expect.fail('nothing is drawn') };
    for (const heldOut of [one, undefined]) {
      const opened = openFidMeter({ ...options, heldOut });
      await expect(opened).rejects.toThrow(ConfigError);
      await expect(opened).rejects.toThrow('validation.fidEvery: expected at least two held-out images');
    }
  });
});
