// First: the engine must be tfjs-core's own and not that of its bundled gradients.
import '@tensorflow/tfjs-core';

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { noProgress } from '@learngene/pipeline';
import { loadAutoencoder, openPipeline, readAutoencoder } from '@learngene/pipeline/node';
import { writeSafetensors } from '@learngene/tensor-io/node';
import { tinyImages, tinyPlan, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { encodeDataset } from '@learngene/trainer';
import { beforeAll, describe, expect, test } from 'vitest';
import { readJson, runPlan } from '../../test/run-plan';
import { writeTinyVae } from '../../test/tiny-vae';
import { openDataset, openImages } from '../data/data';
import type { Job, LatentsJob } from '../jobs/job';
import { withAutoencoders } from '../plan/autoencoders';
import { type BenchmarkPlan, type BenchmarkPlanInput, parsePlan } from '../plan/benchmark-plan';
import type { TrialResult } from '../plan/result';
import { writeTransferReport } from '../report';
import { runJob } from './run-job';

const folder = temporaryFolder('latent-tasks');
const at = (...names: string[]) => join(folder, ...names);
const images = at('images.safetensors');
const out = at('run');

beforeAll(async () => {
  await useTestBackend();
  const { tensors, metadata } = tinyImages();
  await writeSafetensors(images, tensors, { metadata });
  await writeTinyVae(at('vae'), 1);
  await writeTinyVae(at('other'), 2);
});

/** A task in pixels, and one in latents of the same images: 4x4 positions, patches of 2. */
function planIn(vae: string, methods = ['kind', 'lora', 'auto-lg', 'scratch']): Promise<BenchmarkPlan> {
  const plan = tinyPlan(images);
  const input: BenchmarkPlanInput = {
    ...plan,
    tasks: { ...plan.tasks, latents: { ...plan.tasks.tiny, autoencoder: { path: at(vae) }, patchSize: 2 } },
    budgets: { fractions: [0.5], smallWidths: [8] },
    sweeps: [
      { ...plan.sweeps[0], methods: ['kind'] },
      { ...plan.sweeps[0], tasks: ['latents'], methods: methods as 'kind'[] },
      { table: 'budget', tasks: ['latents'], methods: ['bundle-cut', 'svd-cut', 'small'] },
    ],
  };
  return withAutoencoders(parsePlan(input, 'plan'));
}

const run = (plan: BenchmarkPlan) => runPlan(out, plan);
const read = <T>(...parts: string[]): T => readJson(out, ...parts);
const results = () => readdirSync(join(out, 'trials')).map((key) => read<TrialResult>('trials', key, 'result.json'));

describe('a benchmark with a task in latents', () => {
  let plan: BenchmarkPlan;
  let first: Job[];
  beforeAll(async () => {
    plan = await planIn('vae');
    first = await run(plan);
  });

  test('encodes the images of its classes once, and trains, samples and scores in latents', () => {
    expect(first.filter(({ kind }) => kind === 'latents')).toHaveLength(1);
    expect(first.filter(({ kind }) => kind === 'data')).toHaveLength(1);
    const latents = results().filter(({ task }) => task === 'latents');
    expect(latents.map(({ method }) => method).sort()).toEqual(
      ['auto-lg', 'bundle-cut', 'kind', 'lora', 'scratch', 'small', 'svd-cut'].sort(),
    );
    const { hash } = plan.tasks.latents.autoencoder as { hash: string };
    for (const { autoencoder, evaluations } of latents) {
      expect(autoencoder).toEqual({ name: 'vae', hash });
      for (const { fid, sfid, precision, recall, classAccuracy } of evaluations)
        expect([fid, sfid, precision, recall, classAccuracy].every(Number.isFinite)).toBe(true);
    }
    const pixels = results().find(({ task }) => task === 'tiny') as TrialResult;
    expect(pixels.autoencoder).toBeUndefined();
    // Patches of 2x2x3 numbers against 4x4x3; four tokens each.
    const kind = latents.find(({ method }) => method === 'kind') as TrialResult;
    expect(kind.parameters).toBe(pixels.parameters - 2 * 16 * (48 - 12) - (48 - 12));
  });

  test('shows decoded images: as large as those of the task in pixels', () => {
    const sizes = results()
      .filter(({ method }) => method === 'kind')
      .map(({ trial, samples }) => {
        const png = readFileSync(join(out, 'trials', trial, samples));
        return [png.readUInt32BE(16), png.readUInt32BE(20)]; // width and height in the header
      });
    expect(sizes).toHaveLength(2);
    expect(sizes[0]).toEqual(sizes[1]);
  });

  test('keeps latents that are those of the images, mirrored ones too, as the network sees them', async () => {
    const { dataset } = first.find((job): job is LatentsJob => job.kind === 'latents') as LatentsJob;
    const stored = (await openDataset(out, dataset, noProgress)).latents;
    const loaded = loadAutoencoder(await readAutoencoder({ path: at('vae') }));
    const recipe = { scalingFactor: 2, shiftFactor: 0.1 };
    const whole = await encodeDataset(await openImages(out, dataset, noProgress), loaded, { mirrored: true, recipe });
    loaded.autoencoder.dispose();
    const indices = [0, 5, 35];
    const views = { crops: [0, 0, 0], flips: [0, 1, 1] } as never;
    expect(await stored?.read(indices, views)).toEqual(await whole.latents?.read(indices, views));
  });

  test('leaves KIND bases that are ordinary runs: a pipeline decodes their samples', async () => {
    const key = readdirSync(join(out, 'bases')).find((name) => name.startsWith('tiny-latents-kind')) as string;
    expect(read<{ autoencoder?: object }>('bases', key, 'base.json').autoencoder).toMatchObject({ name: 'vae' });
    const pipeline = await openPipeline(join(out, 'bases', key));
    const { height, width, channels } = await pipeline.sample({ count: 1, steps: 1 });
    expect([height, width, channels]).toEqual([8, 8, 3]);
    pipeline.dispose();
  });

  test('is reported with the name of its autoencoder', async () => {
    const { summary, report } = await writeTransferReport(out);
    expect(summary).toMatchObject({ open: 0, failed: [], unreadable: [] });
    expect(summary.isoParameters.map(({ title }) => title)).toContain(
      'latents (tiny, latents of vae, 4 images a class, 2 steps)',
    );
    const page = readFileSync(report, 'utf8');
    expect(page).toContain('Samples are decoded');
    expect(page).not.toMatch(/undefined|NaN/);
  });

  test('is continued without a job, wherever the autoencoder lies', async () => {
    expect(await run(plan)).toEqual([]);
    await writeTinyVae(at('moved'), 1);
    expect(await run(await planIn('moved'))).toEqual([]);
  });

  test('computes what is missing again from the latents that it kept', async () => {
    const lora = results().find(({ method, task }) => method === 'lora' && task === 'latents') as TrialResult;
    rmSync(join(out, 'trials', lora.trial), { recursive: true });
    expect((await run(plan)).map(({ kind }) => kind)).toEqual(['trial']);
    const again = results().find(({ trial }) => trial === lora.trial) as TrialResult;
    expect([again.evaluations, again.losses]).toEqual([lora.evaluations, lora.losses]);
  });

  test('with another autoencoder no finished result is taken, and images and classifiers are', async () => {
    const before = results();
    const work = await run(await planIn('other', ['kind']));
    expect([...new Set(work.map(({ kind }) => kind))].sort()).toEqual(['base', 'budget', 'latents', 'trial', 'tuning']);
    const kind = (found: TrialResult[]) => found.find(({ task, method }) => task === 'latents' && method === 'kind');
    expect(kind(results())?.trial).not.toBe(kind(before)?.trial);
    expect(kind(results())?.evaluations).not.toEqual(kind(before)?.evaluations);
    expect(results().some(({ task }) => task === 'tiny')).toBe(true);
    // The results of the first one are archived, and taken back.
    expect(await run(plan)).toEqual([]);
  });

  test('an autoencoder that is another one than when the plan was read is refused by both hashes', async () => {
    const { hash } = plan.tasks.latents.autoencoder as { hash: string };
    const job = first.find((one): one is LatentsJob => one.kind === 'latents') as LatentsJob;
    const { latents } = job.dataset;
    const swapped = { ...latents, key: 'swapped', autoencoder: { ...latents.autoencoder, path: at('other') } };
    const { signal } = new AbortController();
    const context = { out, engine: 'test', progress: noProgress, signal, onProgress() {} };
    await expect(runJob(context, { ...job, dataset: { ...job.dataset, latents: swapped } })).rejects.toThrow(
      new RegExp(`hash ${hash.slice(0, 12)}.*got .*hash [0-9a-f]{12}`),
    );
    expect(existsSync(join(out, 'latents', 'swapped.json'))).toBe(false);
  });
});
