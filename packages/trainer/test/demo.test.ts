import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { noProgress, parseConfig } from '@learngene/pipeline';
import { readKindRecord } from '@learngene/pipeline/node';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DemoPlan } from '../src/demo/plan';
import { PIXEL_PLAN } from '../src/demo/plans';
import { runDemo } from '../src/demo/run-demo';
import { makeTinyLatents } from './tiny-latents';

beforeAll(useTestBackend);
const folder = temporaryFolder('demo');
const at = (...parts: string[]) => join(folder, ...parts);
beforeAll(() => makeTinyLatents(folder));

function planOf(inLatents: boolean): DemoPlan {
  const model = { patchSize: 2, hiddenSize: 16, depth: 1, heads: 2, learngeneRank: 5, tailorRank: 2 };
  return {
    ...PIXEL_PLAN,
    pretraining: ['bars', 'dots'],
    novel: ['flat'],
    config: {
      data: {
        source: 'packed',
        path: at('images.safetensors'),
        classes: ['bars', 'dots'],
        novel: ['flat'],
        holdOut: 0.4,
      },
      model,
      training: { steps: 4, batchSize: 8, warmup: 1, checkpointEvery: 2, logEvery: 1, sampleEvery: 2 },
      ...(inLatents
        ? { autoencoder: { path: at('vae') }, diffusion: { process: 'flow' }, sampling: { sampler: 'euler', steps: 2 } }
        : { diffusion: { timesteps: 10 }, sampling: { steps: 2 } }),
    },
    transferSteps: 2,
    ...(inLatents && { transferLearningRate: 0.25 }),
    classifierSteps: 2,
    samplesPerClass: 4,
    scoreSize: 8,
  };
}

describe.each([
  ['pixels', false],
  ['latents', true],
])('a demo in %s', (where, inLatents) => {
  const run = (out: string) => {
    const stages: string[] = [];
    const notes: string[] = [];
    const startBar = (title: string) => {
      notes.push(title);
      return noProgress.startBar(title, 1, '');
    };
    const result = runDemo(planOf(inLatents), {
      out,
      engine: 'cpu',
      seed: 0,
      progress: { ...noProgress, startBar },
      signal: new AbortController().signal,
      onStage: ({ name }) => void stages.push(name),
    });
    return result.then((value) => ({ ...value, stages, notes }));
  };

  test('trains, transfers, samples and scores, and its report shows the nearest training images', async () => {
    const before = tf.memory().numTensors;
    const { stages, pretraining, novel, report } = await run(at(where));
    expect(tf.memory().numTensors).toBe(before);
    expect(stages.includes('encoding')).toBe(inLatents);
    expect([pretraining.samples, novel.samples]).toEqual([8, 4]);
    expect([pretraining.nearest.length, novel.nearest.length]).toEqual([8, 4]);
    for (const score of [pretraining, novel]) {
      expect(score.fid).toBeGreaterThan(0);
      expect(score.trainFid).toBeGreaterThanOrEqual(0);
      for (const share of [score.nearTraining, score.realAccuracy, score.classAccuracy]) {
        expect(share >= 0 && share <= 1).toBe(true);
      }
    }
    const page = readFileSync(report, 'utf8');
    expect(page).toContain('The training image nearest to each sample, novel classes');
    expect(page).toContain(inLatents ? 'in latents of vae' : 'in pixels');
    expect(page).toContain('The pre-training took 4 steps, the transfer 2, on the engine cpu.');
    expect(page.includes('Real images of the novel classes, through the autoencoder')).toBe(inLatents);
    for (const part of ['pre-training', 'transfer']) {
      expect(page).toContain(`How the samples came along in the ${part}`);
    }
    for (const column of ['step 1', 'step 2', 'step 4', 'real pictures']) {
      expect(page).toMatch(new RegExp(`alt="[^"]+, ${column}"`));
    }
    for (const part of ['pretrain', 'transfer']) {
      const { config, model } = await readKindRecord(at(where, part));
      expect(model.dit.inputSize).toBe(inLatents ? 4 : 8);
      expect(config.autoencoder === undefined).toBe(!inLatents);
      const own = inLatents && part === 'transfer';
      expect(config.training.learningRate).toBe(own ? 0.25 : parseConfig({}, 'default').training.learningRate);
    }
    expect(existsSync(at(where, 'novel-samples.png'))).toBe(true);
  });

  test('and goes on where it was interrupted, to the same scores', async () => {
    const first = await run(at(`${where}-again`));
    rmSync(at(`${where}-again`, 'report.html'));
    const again = await run(at(`${where}-again`));
    expect(again.pretraining.classAccuracy).toBe(first.pretraining.classAccuracy);
    expect(again.novel.nearest).toEqual(first.novel.nearest);
    expect(JSON.parse(JSON.stringify(again.novel))).toEqual(again.novel);
    expect([first.notes, again.notes].map((notes) => notes.includes('Training the in-domain classifier'))).toEqual([
      true,
      false,
    ]);
  });
});
