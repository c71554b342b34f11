import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { inMemoryDataset } from '@learngene/datasets';
import { DeviceError, guardReads, type WatchedDevice } from '@learngene/engines';
import { initKind, initKindTraining } from '@learngene/kind';
import { noProgress, parseConfig } from '@learngene/pipeline';
import { checkpointSteps, loadCheckpoint } from '@learngene/pipeline/node';
import { createGenerator } from '@learngene/random';
import { useDeviceBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { batchesOf, kindLearnerOf, scheduleOf } from '../config/from-config';
import { modelConfig } from '../config/model-config';
import { trainRun } from './train-run';

const folder = temporaryFolder('device');

const data = inMemoryDataset({
  name: 'squares',
  classes: ['a', 'b'],
  height: 4,
  width: 4,
  channels: 1,
  images: Uint8Array.from({ length: 8 * 16 }, (_, i) => (i * 37) % 256),
  labels: Int32Array.from({ length: 8 }, (_, i) => i % 2),
});

const config = parseConfig(
  {
    data: { source: 'packed', path: 'squares' },
    model: { patchSize: 2, hiddenSize: 8, depth: 1, heads: 1, mlpRatio: 1, learngeneRank: 2, tailorRank: 1 },
    training: { steps: 12, batchSize: 2, warmup: 0, checkpointEvery: 2, logEvery: 1, sampleEvery: 1 },
  },
  'test',
);

test.each([
  ['after-step-5', false],
  ['while-step-6-is-saved', true],
])(
  'a device that drops commands %s ends the run with its error, the last checkpoint whole',
  async (name, inCheckpoint) => {
    await useDeviceBackend();
    let refuse: (event: { error: Error }) => void = () => {};
    const device: WatchedDevice = {
      addEventListener: (_, listener) => {
        refuse = listener;
      },
      lost: new Promise(() => {}),
    };
    const backend = tf.backend();
    const { read } = backend;
    guardReads(backend, device);
    const model = modelConfig(config, data);
    const run = join(folder, name);
    mkdirSync(join(run, 'checkpoints'), { recursive: true });
    const fail = () => refuse({ error: new Error('out of memory') });
    const start = () => initKindTraining(initKind(createGenerator(1), model), { trainable: 'all' });
    const learner = kindLearnerOf(config, { model, start });
    const job = {
      run,
      learner,
      batches: (state?: unknown) => batchesOf(config, data, state),
      schedule: scheduleOf(config),
      intervals: config.training,
      progress: noProgress,
      signal: new AbortController().signal,
      // Runs after each step: the next step's reads find the error, or, ten reads later, those of the checkpoint do.
      onSample: async (step: number) => {
        if (step !== 5) return;
        if (!inCheckpoint) return fail();
        let reads = 0;
        const guarded = backend.read;
        backend.read = (dataId) => {
          if (++reads === 10) fail();
          return guarded(dataId);
        };
      },
    };
    const training = trainRun(job);
    await expect(training).rejects.toThrow(DeviceError);
    backend.read = read;
    expect(await checkpointSteps(run)).toContain(4);
    expect(Math.max(...(await checkpointSteps(run)))).toBe(4);
    const { trees } = await loadCheckpoint(run, 4);
    expect(Object.keys(trees).sort()).toEqual(['ema', 'optimizer', 'params']);
  },
);
