// First: the engine must be tfjs-core's own and not that of its bundled gradients.
import '@tensorflow/tfjs-core';

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { noProgress } from '@learngene/pipeline';
import { writeSafetensors } from '@learngene/tensor-io/node';
import { tinyImages, tinyPlan, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import { type InProcessRun, readJson, runInProcess } from '../../test/run-plan';
import type { Job } from '../jobs/job';
import { type BenchmarkPlanInput, parsePlan } from '../plan/benchmark-plan';
import type { TrialError, TrialResult } from '../plan/result';
import { writeTransferReport } from '../report';

const folder = temporaryFolder('transfer');
const images = join(folder, 'images.safetensors');

beforeAll(async () => {
  await useTestBackend();
  const { tensors, metadata } = tinyImages();
  await writeSafetensors(images, tensors, { metadata });
});

const benchmark = (input: BenchmarkPlanInput, run: InProcessRun) => runInProcess(parsePlan(input, 'plan'), run);

function results(out: string): TrialResult[] {
  return readdirSync(join(out, 'trials'))
    .filter((key) => existsSync(join(out, 'trials', key, 'result.json')))
    .map((key) => readJson<TrialResult>(out, 'trials', key, 'result.json'));
}

describe('a step of fewer images than the plan asks for', () => {
  const asked = (batchSize: number) => ({ ...tinyPlan(images), transfer: { batchSize, warmup: 1 } });
  const warnings = async (batchSize: number) => {
    const warned: string[] = [];
    const out = join(folder, `batch-${batchSize}`);
    const progress = { ...noProgress, warn: (text: string) => void warned.push(text) };
    const { failed } = await benchmark(asked(batchSize), { out, progress });
    expect(failed).toEqual([]);
    return { out, warned };
  };

  test('is said by the name of the field, and stands in the result and in the report', async () => {
    const { out, warned } = await warnings(7);
    const message = 'transfer.batchSize: 7 is more than the 4 images of "flat"';
    expect(warned.filter((text) => text.startsWith(message))).not.toEqual([]);
    expect(results(out).map(({ batchSize }) => batchSize)).toEqual([4, 4]);
    const { report } = await writeTransferReport(out);
    expect(readFileSync(report, 'utf8')).toContain('4 in tiny with 4 images a class');
  });

  test('is not said where there are enough', async () => {
    const { out, warned } = await warnings(4);
    expect(warned).toEqual([]);
    expect(results(out).map(({ batchSize }) => batchSize)).toEqual([undefined, undefined]);
    const { report } = await writeTransferReport(out);
    expect(readFileSync(report, 'utf8')).not.toContain('images a class.');
  });
});

describe('a benchmark', () => {
  const out = join(folder, 'whole');
  test('leaves a folder for each trial, with all that the report reads', async () => {
    const { trials, failed } = await benchmark(tinyPlan(images), { out });
    expect([trials, failed]).toEqual([2, []]);
    expect(readdirSync(out).sort()).toEqual(
      ['bases', 'trials', 'classifiers', 'data', 'plan.json', 'spectra.json', 'tuning', 'versions.json'].sort(),
    );
    const [kind, lora] = results(out).sort((a, b) => a.method.localeCompare(b.method));
    expect([kind.method, lora.method]).toEqual(['kind', 'lora']);
    for (const result of [kind, lora]) {
      expect(readdirSync(join(out, 'trials', result.trial))).toContain(result.samples);
      expect(result.evaluations.map(({ step, guidance }) => [step, guidance])).toEqual([
        [1, result.guidance.chosen],
        [2, 'none'],
        [2, 'null-label'],
        [2, 'class-agnostic'],
      ]);
      for (const { fid, sfid, precision, recall, classAccuracy, samples } of result.evaluations) {
        expect([fid, sfid, precision, recall, classAccuracy].every(Number.isFinite)).toBe(true);
        expect(samples).toBe(5);
      }
      expect(result.losses.at(-1)).toMatchObject({ step: 2, validation: expect.any(Number) });
      expect(result.trainable).toBeLessThan(result.parameters);
    }
    expect(Math.abs(kind.trainable - lora.trainable) / kind.trainable).toBeLessThan(0.2);
    const spectra = readJson<Record<string, { learngenes: number[]; tailors: Record<string, number[]> }>>(
      out,
      'spectra.json',
    );
    expect(spectra[kind.trial].learngenes).toHaveLength(4);
    expect(spectra[kind.trial].tailors.flat).toHaveLength(2);
  });
  test('computes nothing again', async () => {
    const again: string[] = [];
    expect(await benchmark(tinyPlan(images), { out, before: ({ key }) => again.push(key) })).toMatchObject({ done: 0 });
    expect(again).toEqual([]);
  });
  test('archives what another plan does not have, and takes it back', async () => {
    const { sweeps } = tinyPlan(images);
    const fewer = { ...tinyPlan(images), sweeps: [{ ...sweeps[0], methods: ['lora' as const] }] };
    await benchmark(fewer, { out });
    expect(results(out).map(({ method }) => method)).toEqual(['lora']);
    const work: string[] = [];
    await benchmark(tinyPlan(images), { out, before: ({ key }) => work.push(key) });
    expect([results(out).length, work]).toEqual([2, []]);
  });
});

test('a trial that fails is reported, and the rest is done', async () => {
  const out = join(folder, 'failing');
  const before = (job: Job) => {
    if (job.kind === 'tuning' && job.method === 'kind') throw new Error('no luck');
  };
  const { failed } = await benchmark(tinyPlan(images), { out, before });
  expect(failed.map(({ job }) => job.kind)).toEqual(['tuning', 'trial']);
  expect(results(out).map(({ method }) => method)).toEqual(['lora']);
  const { key } = failed[1].job;
  expect(readJson<TrialError>(out, 'trials', key, 'error.json')).toMatchObject({
    trial: key,
    method: 'kind',
    message: expect.stringContaining('no luck'),
  });
  await benchmark(tinyPlan(images), { out });
  expect(existsSync(join(out, 'trials', key, 'error.json'))).toBe(false);
  expect(results(out)).toHaveLength(2);
});

test.each(['kind', 'lora'])('a base of %s that was interrupted comes to the same figures', async (method) => {
  const whole = join(folder, 'unbroken');
  const out = join(folder, `broken-${method}`);
  await benchmark(tinyPlan(images), { out: whole, only: [method] });
  const controller = new AbortController();
  const onProgress = (job: Job, done: number) => {
    if (job.kind === 'base' && done === 0.75) controller.abort(new Error('stop'));
  };
  const first = benchmark(tinyPlan(images), { out, only: [method], signal: controller.signal, onProgress });
  await expect(first).rejects.toThrow('stop');
  const work: string[] = [];
  await benchmark(tinyPlan(images), { out, only: [method], before: ({ kind }) => work.push(kind) });
  expect(work).not.toContain('data');
  expect(work).toContain('base');
  const figures = (at: string) =>
    results(at)
      .filter((result) => result.method === method)
      .map(({ evaluations, losses }) => ({ evaluations, losses }));
  expect(figures(out)).toEqual(figures(whole));
});
