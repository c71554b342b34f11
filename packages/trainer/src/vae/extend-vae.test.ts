import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { noProgress } from '@learngene/pipeline';
import { writeSafetensors } from '@learngene/tensor-io/node';
import { tinyImages, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { readMetricsLog } from '../run-folder/metrics-log';
import { parseVaeTrainingConfig } from './config';
import { readVaeRunRecord } from './record';
import { prepareVaeTraining, resumeVaeTraining, trainVae } from './train-vae';

beforeAll(useTestBackend);
const folder = temporaryFolder('extend-vae');
const options = (run: string) => ({
  run,
  engine: 'cpu',
  progress: noProgress,
  signal: new AbortController().signal,
});

test('a run goes on to more steps at the held rate, and refuses other settings', async () => {
  const images = join(folder, 'images.safetensors');
  const { tensors, metadata } = tinyImages();
  await writeSafetensors(images, tensors, { metadata });
  const widths = { encoderWidths: [4, 4], decoderWidths: [4, 4], encoderBlocks: [1, 0], decoderBlocks: [0, 1] };
  const training = { steps: 4, batchSize: 4, warmup: 1, logEvery: 1, sampleEvery: 0 };
  const config = parseVaeTrainingConfig({ data: { path: images }, model: widths, training }, 'test');
  const run = join(folder, 'run');
  await trainVae(await prepareVaeTraining(config, noProgress), options(run));
  const before = readFileSync(join(run, 'autoencoder', 'model.safetensors'));
  const more = { requested: { training: { steps: 6 } }, hold: true, progress: noProgress };
  await trainVae(await resumeVaeTraining(run, more), options(run));
  const record = await readVaeRunRecord(run);
  expect(record.config.training).toMatchObject({ steps: 6, decaySteps: 4, holdFrom: 4 });
  expect(record.changes).toMatchObject([{ step: 4, config: { 'training.steps': [4, 6] } }]);
  const rates = readMetricsLog(run).map(({ learningRate }) => learningRate);
  expect(rates).toHaveLength(6);
  expect(rates.slice(4)).toEqual([rates[3], rates[3]]);
  expect(rates[3]).toBeLessThan(rates[2]);
  expect(readFileSync(join(run, 'autoencoder-step-4', 'model.safetensors'))).toEqual(before);
  expect(readFileSync(join(run, 'autoencoder', 'model.safetensors'))).not.toEqual(before);
  const other = { requested: { seed: 5 }, progress: noProgress };
  await expect(resumeVaeTraining(run, other)).rejects.toThrow('seed: the run has 0, got 5');
});
