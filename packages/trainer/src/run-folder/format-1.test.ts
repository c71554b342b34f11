import { createHash } from 'node:crypto';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { loadParams, saveParams } from '@learngene/nn/node';
import { createDiffusionProcess, noProgress, sampleClasses } from '@learngene/pipeline';
import { checkpointPath, loadModel, readKindRecord, readRunRecord } from '@learngene/pipeline/node';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeRunData, reopenRunData } from '../data/run-data';
import { runTraining } from '../run/run-training';
import { readMetricsLog } from './metrics-log';

const fixtures = fileURLToPath(new URL('../../fixtures/format-1', import.meta.url));
const expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8'));
const work = temporaryFolder('format-1');

// The numbers were recorded on the cpu engine; another one rounds otherwise.
beforeAll(async () => {
  await useTestBackend();
  await tf.setBackend('cpu');
});

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');

type Groups = readonly { name: string }[];

/** What files of format 2 keep under the names of groups, under their places as in format 1. */
const byPlace = <T>(named: Readonly<Record<string, T>>, groups: Groups): Record<string, T> =>
  Object.fromEntries(
    Object.entries(named).map(([key, own]) => [`g${groups.findIndex(({ name }) => name === key)}`, own]),
  );

/** The bytes that format 1 has for a file of format 2. */
async function asFormat1(path: string, groups: Groups): Promise<Uint8Array> {
  const { params } = await loadParams(path);
  const old = join(work, 'format-1.safetensors');
  await saveParams(old, { ...params, tailors: byPlace(params.tailors as Record<string, ParamTree>, groups) });
  disposeParams(params);
  return readFileSync(old);
}

describe('files of run format 1', () => {
  test.each(['train', 'transfer'] as const)('a %s run resumes to the bits that its own version gives', async (name) => {
    const run = join(work, name);
    cpSync(join(fixtures, name), run, { recursive: true });
    const place = join(fixtures, 'images.safetensors');
    await expectNoLeak(async () => {
      const { record, view } = await reopenRunData(await readRunRecord(run), { place, progress: noProgress });
      const learner = await runTraining({
        run,
        record,
        trainable: name === 'train' ? 'all' : 'tailors',
        data: (await decodeRunData(view, record, noProgress)).train,
        start: () => expect.fail('the run has a checkpoint to continue'),
        progress: noProgress,
        signal: new AbortController().signal,
      });
      learner.dispose();
    });
    const last = checkpointPath(run, 12);
    const { files, state } = expected[name];
    const { groups } = (await readKindRecord(run)).model;
    const hashes: [string, string][] = [];
    for (const file of Object.keys(files)) hashes.push([file, sha256(await asFormat1(join(last, file), groups))]);
    expect(Object.fromEntries(hashes)).toEqual(files);
    const { clocks, batches, ...rest } = JSON.parse(readFileSync(join(last, 'state.json'), 'utf8')).state;
    const { images, ...drawn } = batches;
    const pieceSteps = { ...clocks, tailors: byPlace(clocks.tailors, groups) };
    const saved: Record<string, unknown> = { ...rest, ...drawn, batches: images, pieceSteps };
    const parts = Object.keys(state).map((part) => [part, sha256(JSON.stringify(saved[part]))]);
    expect(Object.fromEntries(parts)).toEqual(state);
    const losses = readMetricsLog(run).map(({ step, loss, gradientNorm, learningRate }) => ({
      step,
      loss,
      gradientNorm,
      learningRate,
    }));
    expect(losses).toEqual(expected[name].losses);
  });

  test('a bundle loads, and the images drawn from it are those that its own version draws', async () => {
    const { count, seed, sha256: hash } = expected.samples;
    await expectNoLeak(async () => {
      const { model, config } = await loadModel(join(fixtures, 'bundle'));
      const labels = Int32Array.from({ length: 2 * count }, (_, i) => Math.floor(i / count));
      const { data } = await sampleClasses(model, createDiffusionProcess(config), {
        labels,
        sampling: config.sampling,
        seed,
      });
      disposeParams(model.params as ParamTree);
      expect(sha256(data)).toBe(hash);
    });
  });
});
