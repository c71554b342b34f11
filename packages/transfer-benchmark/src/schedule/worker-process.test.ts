import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSafetensors } from '@learngene/tensor-io/node';
import { tinyImages, tinyPlan } from '@learngene/testing';
import { InterruptedError } from '@learngene/trainer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleWorker } from '../../test/bundle-worker';
import { isDone } from '../jobs/is-done';
import type { Job } from '../jobs/job';
import { resolveJobs } from '../jobs/resolve-jobs';
import { parsePlan } from '../plan/benchmark-plan';
import { type WorkerOptions, workerExecutor } from './worker-process';

const folder = mkdtempSync(join(tmpdir(), 'learngene-worker-'));
const images = join(folder, 'images.safetensors');
let program: string;

beforeAll(async () => {
  program = await bundleWorker();
  const { tensors, metadata } = tinyImages();
  await writeSafetensors(images, tensors, { metadata });
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(program, { force: true });
});

function jobsOf(path = images): Job[] {
  const input = tinyPlan(path);
  const pretraining = { ...input.pretraining, learningRates: [1e30, 1e-3], steps: 2000, sweepSteps: 2 };
  return [...resolveJobs(parsePlan({ ...input, pretraining }, 'plan')).values()];
}

function executor(options: Partial<WorkerOptions> & { out: string }) {
  const { signal } = new AbortController();
  return workerExecutor({ engine: 'cpu', workers: 2, signal, warn() {}, program, ...options });
}

test('does a job from what it is sent alone, and tells how far it is and what deserves a look', async () => {
  const out = join(folder, 'out');
  const jobs = jobsOf();
  const [data, sweep] = (['data', 'learning-rate'] as const).map(
    (kind) => jobs.find((job) => job.kind === kind) as Job,
  );
  const warnings: string[] = [];
  const told: number[] = [];
  const execute = executor({ out, warn: (text) => warnings.push(text) });
  await execute(data, () => {});
  expect(isDone(out, data)).toBe(true);
  await execute(sweep, (done) => told.push(done));
  expect(isDone(out, sweep)).toBe(true);
  expect(warnings).toEqual([expect.stringMatching(/learning rate 1e\+30: training: the loss is/)]);
  expect(told.length).toBeGreaterThan(0);
  for (const done of told) expect(done).toBeLessThanOrEqual(1);
});

test('a job that fails rejects with its error, causes included', async () => {
  const missing = join(folder, 'missing.safetensors');
  const [data] = jobsOf(missing);
  await expect(executor({ out: join(folder, 'failing') })(data, () => {})).rejects.toThrow(missing);
});

test('an engine that is not there is named', async () => {
  const [data] = jobsOf();
  await expect(executor({ out: folder, engine: 'abacus' })(data, () => {})).rejects.toThrow('abacus');
});

test('a program that crashes is told by its last words', async () => {
  const broken = join(folder, 'broken.mjs');
  writeFileSync(broken, "process.on('message', () => { throw new Error('out of luck'); });");
  const [data] = jobsOf();
  await expect(executor({ out: folder, program: broken })(data, () => {})).rejects.toThrow(
    'worker ended by exit code 1: Error: out of luck',
  );
});

test('an abort stops the worker at its next step', async () => {
  const out = join(folder, 'aborted');
  const jobs = jobsOf();
  const [data, base] = (['data', 'base'] as const).map((kind) => jobs.find((job) => job.kind === kind) as Job);
  if (base.kind !== 'base') throw new Error('expected a base');
  await executor({ out })(data, () => {});
  const controller = new AbortController();
  const run = executor({ out, signal: controller.signal })({ ...base, learningRate: 1e-3 }, () => controller.abort());
  await expect(run).rejects.toThrow(InterruptedError);
  expect(isDone(out, base)).toBe(false);
  // What was trained is kept.
  expect(existsSync(join(out, 'bases', base.key, 'checkpoints'))).toBe(true);
});

test('an abort asks the worker by a message, as Windows has no signal that a program can answer', async () => {
  const program = join(folder, 'polite.mjs');
  writeFileSync(
    program,
    `process.on('SIGINT', () => {});
    process.on('message', (message) => {
      if (message.stop === true) process.exit(130);
      process.send({ progress: 0.5 });
    });`,
  );
  const [data] = jobsOf();
  const controller = new AbortController();
  const run = executor({ out: folder, program, signal: controller.signal });
  await expect(run(data, () => controller.abort())).rejects.toThrow(InterruptedError);
});

test('a worker that does not end after an abort is killed', async () => {
  const program = join(folder, 'deaf.mjs');
  writeFileSync(
    program,
    `for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
    process.on('message', () => process.send({ progress: 0.5 }));
    setInterval(() => {}, 1000);`,
  );
  const [data] = jobsOf();
  const controller = new AbortController();
  const run = executor({ out: folder, program, grace: 50, signal: controller.signal });
  await expect(run(data, () => controller.abort())).rejects.toThrow(InterruptedError);
});

test.each<[unknown, string]>([
  [{ grase: 1 }, "options: expected only out, engine, workers, signal, warn, grace, program, got 'grase'"],
  [null, 'options: expected an object, got null'],
])('workerExecutor refuses %j', (options, message) => {
  expect(() => workerExecutor(options as never)).toThrow(message);
});
