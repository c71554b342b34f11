// First: the engine must be tfjs-core's own and not that of its bundled gradients.
import '@tensorflow/tfjs-core';

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noProgress } from '@learngene/pipeline';
import { writeSafetensors } from '@learngene/tensor-io/node';
import { tinyImages, tinyPlan, useTestBackend } from '@learngene/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Job } from '../plan/jobs';
import { type PlanInput, parsePlan } from '../plan/plan';
import type { CellError, CellResult } from '../plan/result';
import { runGrid } from './run-grid';
import { runJob } from './run-job';

const folder = mkdtempSync(join(tmpdir(), 'learngene-transfer-'));
const pictures = join(folder, 'pictures.safetensors');
const output = noProgress;

beforeAll(async () => {
  await useTestBackend();
  const { tensors, metadata } = tinyImages();
  await writeSafetensors(pictures, tensors, { metadata });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  out: string;
  only?: string[];
  /** Called before every piece of work. */
  before?: (job: Job) => void;
  signal?: AbortSignal;
  onProgress?: (job: Job, done: number) => void;
}

async function grid(input: PlanInput, { out, only, before, signal = new AbortController().signal, onProgress }: Run) {
  const plan = parsePlan(input, 'plan');
  return runGrid({
    out,
    plan,
    engine: { name: 'test', detail: 'test' },
    jobs: 1,
    only,
    output,
    signal,
    async execute(job, progress) {
      before?.(job);
      await runJob(
        { out, plan, engine: 'test', output, signal, progress: (done) => [progress(done), onProgress?.(job, done)] },
        job,
      );
    },
  });
}

const readJson = <T>(...parts: string[]): T => JSON.parse(readFileSync(join(...parts), 'utf8')) as T;

function results(out: string): CellResult[] {
  return readdirSync(join(out, 'cells'))
    .filter((key) => existsSync(join(out, 'cells', key, 'result.json')))
    .map((key) => readJson<CellResult>(out, 'cells', key, 'result.json'));
}

describe('a grid', () => {
  const out = join(folder, 'whole');
  test('leaves a folder a cell, with all that the report reads', async () => {
    const { cells, failed } = await grid(tinyPlan(pictures), { out });
    expect([cells, failed]).toEqual([2, []]);
    expect(readdirSync(out).sort()).toEqual(
      ['bases', 'cells', 'classifiers', 'data', 'plan.json', 'spectra.json', 'tuning', 'versions.json'].sort(),
    );
    const [kind, lora] = results(out).sort((a, b) => a.method.localeCompare(b.method));
    expect([kind.method, lora.method]).toEqual(['kind', 'lora']);
    for (const result of [kind, lora]) {
      expect(readdirSync(join(out, 'cells', result.cell))).toContain(result.samples);
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
    expect(spectra[kind.cell].learngenes).toHaveLength(4);
    expect(spectra[kind.cell].tailors.flat).toHaveLength(2);
  });
  test('computes nothing again', async () => {
    const again: string[] = [];
    expect(await grid(tinyPlan(pictures), { out, before: ({ key }) => again.push(key) })).toMatchObject({ done: 0 });
    expect(again).toEqual([]);
  });
  test('keeps what another plan has no place for, and takes it back', async () => {
    const { grids } = tinyPlan(pictures);
    const fewer = { ...tinyPlan(pictures), grids: [{ ...grids[0], methods: ['lora' as const] }] };
    await grid(fewer, { out });
    expect(results(out).map(({ method }) => method)).toEqual(['lora']);
    const work: string[] = [];
    await grid(tinyPlan(pictures), { out, before: ({ key }) => work.push(key) });
    expect([results(out).length, work]).toEqual([2, []]);
  });
});

test('a cell that fails is reported, and the rest is done', async () => {
  const out = join(folder, 'failing');
  const before = (job: Job) => {
    if (job.kind === 'tuning' && job.tuning.method === 'kind') throw new Error('no luck');
  };
  const { failed } = await grid(tinyPlan(pictures), { out, before });
  expect(failed.map(({ job }) => job.kind)).toEqual(['tuning', 'cell']);
  expect(results(out).map(({ method }) => method)).toEqual(['lora']);
  const { key } = failed[1].job;
  expect(readJson<CellError>(out, 'cells', key, 'error.json')).toMatchObject({
    cell: key,
    method: 'kind',
    message: expect.stringContaining('no luck'),
  });
  await grid(tinyPlan(pictures), { out });
  expect(existsSync(join(out, 'cells', key, 'error.json'))).toBe(false);
  expect(results(out)).toHaveLength(2);
});

test.each(['kind', 'lora'])('a base of %s that was interrupted comes to the same figures', async (method) => {
  const whole = join(folder, 'unbroken');
  const out = join(folder, `broken-${method}`);
  await grid(tinyPlan(pictures), { out: whole, only: [method] });
  const controller = new AbortController();
  const onProgress = (job: Job, done: number) => {
    if (job.kind === 'base' && done === 0.75) controller.abort(new Error('stop'));
  };
  const first = grid(tinyPlan(pictures), { out, only: [method], signal: controller.signal, onProgress });
  await expect(first).rejects.toThrow('stop');
  const work: string[] = [];
  await grid(tinyPlan(pictures), { out, only: [method], before: ({ kind }) => work.push(kind) });
  expect(work).not.toContain('data');
  expect(work).toContain('base');
  const figures = (at: string) =>
    results(at)
      .filter((result) => result.method === method)
      .map(({ evaluations, losses }) => ({ evaluations, losses }));
  expect(figures(out)).toEqual(figures(whole));
});
