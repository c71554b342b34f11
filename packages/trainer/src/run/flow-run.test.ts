import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inMemoryDataset } from '@learngene/datasets';
import { createDiffusionProcess, noProgress, parseConfig, sampleClasses } from '@learngene/pipeline';
import { checkpointPath, checkpointSteps, RUN_FORMAT, type RunRecord, readRunRecord } from '@learngene/pipeline/node';
import { tinyImages, useTestBackend } from '@learngene/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modelConfig, networkConfig } from '../config/model-config';
import { InterruptedError } from '../errors';
import { createRunFolder } from '../run-folder/create-run';
import { readMetricsLog } from '../run-folder/metrics-log';
import { runTraining } from './run-training';

beforeAll(useTestBackend);
const folder = mkdtempSync(join(tmpdir(), 'learngene-flow-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { tensors } = tinyImages();
const data = inMemoryDataset({
  name: 'tiny',
  classes: ['bars', 'dots', 'flat'],
  height: 8,
  width: 8,
  channels: 3,
  images: tensors.get('images')!.data as Uint8Array,
  labels: tensors.get('labels')!.data as Int32Array,
});

function recordOf(kind: RunRecord['kind'], diffusion: object = {}, steps = 24): RunRecord {
  const config = parseConfig(
    {
      data: { source: 'packed', path: 'tiny' },
      model: {
        patchSize: 4,
        hiddenSize: 16,
        depth: 1,
        heads: 2,
        labelDropout: 0.2,
        ...(kind === 'kind' && { learngeneRank: 6, tailorRank: 2 }),
      },
      diffusion: { process: 'flow', ...diffusion },
      training: { steps, batchSize: 8, warmup: 5, checkpointEvery: 8, logEvery: 8, sampleEvery: 0 },
      sampling: { sampler: 'euler', steps: 4 },
    },
    'test',
  );
  const common = { format: RUN_FORMAT, command: 'train', config, engine: 'cpu', versions: {} } as const;
  if (kind === 'kind') return { ...common, kind, model: modelConfig(config, data) };
  return { ...common, kind, model: { dit: networkConfig(config, data), classNames: data.classes } };
}

const hashes = (run: string, step = 24) =>
  ['params', 'ema', 'optimizer'].map((tree) =>
    createHash('sha256')
      .update(readFileSync(join(checkpointPath(run, step), `${tree}.safetensors`)))
      .digest('hex'),
  );

async function train(name: string, record: RunRecord, stopAt?: number): Promise<string> {
  const run = join(folder, name);
  if ((await checkpointSteps(run)).length === 0) await createRunFolder(run, record);
  const controller = new AbortController();
  const startBar = () => ({
    update: (step: number) => (step === stopAt ? controller.abort(new InterruptedError('stop')) : undefined),
    stop() {},
  });
  const progress = { ...noProgress, startBar };
  const learner = await runTraining({ run, record, data, progress, signal: controller.signal });
  learner.dispose();
  return run;
}

describe.each(['kind', 'dense'] as const)('a %s run of flow matching', (kind) => {
  const record = recordOf(kind);
  const name = `${kind}-unbroken`;

  test('learns velocities, and its record says so', async () => {
    const run = await train(name, record);
    expect(await readRunRecord(run)).toEqual(record);
    expect(record.config.diffusion).toMatchObject({ prediction: 'velocity', timestepSampler: 'logit-normal' });
    const log = readMetricsLog(run);
    expect(log.at(-1)?.loss).toBeLessThan(log[0].loss);
    expect(readFileSync(join(run, 'report.html'), 'utf8')).toContain('diffusion.timestepStd');
  });

  test('resumes to the same bits from where it was interrupted', async () => {
    await expect(train(`${kind}-stopped`, record, 13)).rejects.toThrow('interrupted after step 13');
    expect(hashes(await train(`${kind}-stopped`, record))).toEqual(hashes(join(folder, name)));
  });

  test('and other times give other weights: uniform, and a logit-normal of another mean or deviation', async () => {
    const times = [{}, {}, { timestepSampler: 'uniform' }, { timestepMean: 1 }, { timestepStd: 0.5 }];
    const weights: string[] = [];
    for (const [i, diffusion] of times.entries()) {
      const run = await train(`${kind}-times-${i}`, recordOf(kind, diffusion, 2));
      weights.push(hashes(run, 2)[0]);
    }
    expect(weights[1]).toBe(weights[0]);
    expect(new Set(weights).size).toBe(4);
  });

  test('is sampled from by euler and heun', async () => {
    const run = join(folder, name);
    const learner = await runTraining({
      run,
      record,
      data,
      progress: noProgress,
      signal: new AbortController().signal,
    });
    const labels = Int32Array.of(0, 2);
    for (const sampler of ['euler', 'heun'] as const) {
      const sampling = { ...record.config.sampling, sampler };
      const process = createDiffusionProcess(record.config);
      const images = await sampleClasses(learner.model(), process, { labels, sampling, seed: 1 });
      expect([images.count, images.height, new Set(images.data).size > 10]).toEqual([2, 8, true]);
    }
    learner.dispose();
  });
});
