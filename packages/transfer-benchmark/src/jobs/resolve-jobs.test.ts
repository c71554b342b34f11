import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { filledPlan } from '../../test/filled-plan';
import { benchmarkPlans } from '../plan/plans';
import type { Job, TrialJob } from './job';
import { resolveJobs } from './resolve-jobs';
import { methodOf, selectJobs } from './select-jobs';

const jobsOf = (name: keyof typeof benchmarkPlans) => resolveJobs(filledPlan(benchmarkPlans[name]));

/** Whether a job is of the task in latents, of which older folders know nothing. */
const isNew = (key: string) => /^(data-|base-|latents-)?emoji-(32|64|latents)-/.test(key);

describe('the plans that come with the package', () => {
  // Of the keys of all jobs, one a line, in the order of the jobs: made by the version before the keys had today's words.
  test.each([
    ['smoke', 124, '96cc639e74ec8a7477511128d8226aef1a53d7a545ef075d69963656fd49f189'],
    ['quick', 69, '8313253350d5214ca2779d833921a3fce633bfee23c9cbe004cde0ebc5db16da'],
    ['full', 943, '90a00c70da20af4e20a2d4441676fa1b5dd7d1cf4a1b26ed1d66c5bd6e78c211'],
  ] as const)('%s has the keys of older folders, and a task in latents', (name, count, sha256) => {
    const all = jobsOf(name);
    const keys = [...all.keys()].filter((key) => !isNew(key));
    expect([...all.values()].filter(({ kind }) => kind === 'latents')).toHaveLength(1);
    expect(keys).toHaveLength(count);
    expect(createHash('sha256').update(keys.join('\n')).digest('hex')).toBe(sha256);
  });

  test.each(['smoke', 'quick', 'full'] as const)('%s: jobs come after those that they need', (name) => {
    const seen = new Set<string>();
    for (const [key, job] of jobsOf(name)) {
      expect(job.key).toBe(key);
      for (const need of job.needs) expect(seen).toContain(need);
      seen.add(key);
    }
  });
});

test('a job is plain data: it survives being sent to another process', () => {
  const jobs = [...jobsOf('smoke').values()];
  expect(JSON.parse(JSON.stringify(jobs))).toEqual(jobs);
});

test('jobs come in the order of the sweeps, budgets among the trials', () => {
  const { sweeps } = benchmarkPlans.smoke;
  const budget = sweeps.filter(({ table }) => table === 'budget');
  const others = sweeps.filter(({ table }) => table !== 'budget');
  const kinds = (rows: typeof sweeps) =>
    [...resolveJobs(filledPlan({ ...benchmarkPlans.smoke, sweeps: rows })).values()]
      .map(({ kind }) => kind)
      .filter((kind) => kind === 'trial' || kind === 'budget');
  const first = kinds([...budget, ...others]);
  const last = kinds([...others, ...budget]);
  expect([first[0], first.at(-1)]).toEqual(['budget', 'trial']);
  expect([last[0], last.at(-1)]).toEqual(['trial', 'budget']);
});

describe('what a job costs, in passes of one image', () => {
  const plan = filledPlan(benchmarkPlans.smoke);
  const jobs = [...resolveJobs(plan).values()];
  const cost = (wanted: (job: Job) => boolean) => jobs.find(wanted)?.cost;

  test('a pre-training: steps × batch × 3, a backward pass being two', () => {
    expect(cost((job) => job.kind === 'base' && job.base.spec.form === 'dense')).toBe(60 * 32 * 3);
    expect(cost((job) => job.kind === 'base' && job.base.spec.stepsScale === 3)).toBe(3 * 60 * 32 * 3);
  });
  test('a choice of learning rates: the sweep steps of each; in the iso-MACs table those of the pre-training', () => {
    expect(cost((job) => job.kind === 'learning-rate' && job.base.spec.form === 'dense')).toBe(2 * 20 * 32 * 3);
    expect(cost((job) => job.kind === 'learning-rate' && job.base.spec.sweepSteps === 'full')).toBe(2 * 60 * 32 * 3);
  });
  test('a classifier: a quarter of that, being smaller', () => {
    expect(cost(({ kind }) => kind === 'classifier')).toBe((80 * 64 * 3) / 4);
  });
  test('a trial: its training, all modes at the end and the curve on the way; a copied result: 1', () => {
    const [training, end, curve] = [24 * 16 * 3, 2 * 24 * 6 * 5, 2 * 16 * 6 * 2];
    expect(cost((job) => job.kind === 'trial' && job.trial.method === 'lora')).toBe(training + end + curve);
    expect(cost((job) => job.kind === 'trial' && job.sharedResult !== undefined)).toBe(1);
  });
  test('a tuning: each rate its training and three modes, the best one the other scales', () => {
    expect(cost(({ kind }) => kind === 'tuning')).toBe(2 * (16 * 16 * 3 + 32 * 6 * 5) + 32 * 6 * 4 * 2);
  });
  test('a budget: its samples with and without guidance', () => {
    expect(cost(({ kind }) => kind === 'budget')).toBe(4 * 24 * 6 * 2);
  });
});

test('a method without factored layers has one trial for the tables of equal parameters and equal MACs', () => {
  const jobs = jobsOf('smoke');
  const iso = (table: string, method: string) =>
    [...jobs.values()].find(
      (job): job is TrialJob => job.kind === 'trial' && job.trial.table === table && job.trial.method === method,
    ) as TrialJob;
  const shared = iso('iso-macs', 'lora-class');
  expect(shared.sharedResult).toBe(iso('iso-parameters', 'lora-class').key);
  expect(shared.needs).toEqual([shared.sharedResult]);
  const kind = iso('iso-macs', 'kind');
  expect(kind.sharedResult).toBeUndefined();
  expect(kind.transfer.spec.ranks.learngenes).toBeGreaterThan(
    iso('iso-parameters', 'kind').transfer.spec.ranks.learngenes,
  );
});

test('a trial is the method on the novel classes of its task, tuned on classes that are not among them', () => {
  const jobs = jobsOf('full');
  for (const job of jobs.values()) {
    if (job.kind !== 'trial' || job.sharedResult !== undefined) continue;
    const { transfer, trial, needs, tunedBy } = job;
    expect([transfer.steps, transfer.seed, transfer.imagesPerClass]).toEqual([
      trial.steps,
      trial.seed,
      trial.imagesPerClass,
    ]);
    expect(transfer.base.seed).toBe(trial.seed);
    expect(needs).toContain(tunedBy);
    if (transfer.spec.form.kind !== 'scratch') expect(needs).toContain(transfer.base.key);
    const tuning = jobs.get(tunedBy);
    if (tuning?.kind !== 'tuning') throw new Error('expected a tuning');
    for (const name of transfer.classes) expect(tuning.transfer.classes).not.toContain(name);
    expect(tuning.transfer.spec).toEqual(transfer.spec);
  }
});

test('selectJobs keeps the trials of some methods and what they need', () => {
  const jobs = jobsOf('smoke');
  const kinds = (methods: string[]) => [...selectJobs(jobs, methods).values()].map(({ kind }) => kind);
  expect(kinds(['scratch']).sort()).toEqual(['classifier', 'classifier', 'data', 'trial', 'tuning']);
  const kind = [...selectJobs(jobs, ['kind']).values()].filter((job): job is TrialJob => job.kind === 'trial');
  expect(kind.map(({ trial }) => trial.table)).toEqual(['iso-parameters', 'iso-macs', 'iso-parameters']);
  const small = [...selectJobs(jobs, ['small']).values()].filter((job) => job.kind === 'budget');
  expect(small.map(methodOf)).toEqual(['small']);
  for (const wrong of [['scrach'], ['kind', ''], ['tuning']]) {
    expect(() => selectJobs(jobs, wrong)).toThrow(
      new RegExp(`^methods: expected one of .*scratch.*, got '${wrong.at(-1)}'$`),
    );
  }
  expect(() => selectJobs(jobs, 'kind' as never)).toThrow('methods: expected an array of names, got kind');
});
