import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type BenchmarkPlan, type BenchmarkPlanInput, parsePlan } from '../plan/benchmark-plan';
import { benchmarkPlans } from '../plan/plans';
import type { Job } from './job';
import { resolveJobs } from './resolve-jobs';

const [HASH, OTHER] = ['a'.repeat(64), 'b'.repeat(64)];
const filled = { path: '/vae', name: 'vae', hash: HASH, scalingFactor: 1, shiftFactor: 0 };
const { smoke } = benchmarkPlans;

/** The pixel task of the smoke plan with a task in latents of a dataset of its own beside it. */
function withLatentTask(autoencoder: object, more: object = {}): BenchmarkPlanInput {
  const latents = { ...smoke.tasks.emoji, dataset: 'large', autoencoder, patchSize: 1, ...more };
  return {
    ...smoke,
    datasets: { emoji: smoke.datasets.emoji, large: { source: 'emoji', size: 64, holdOut: 0.5, perClass: 40 } },
    tasks: { emoji: smoke.tasks.emoji, latents },
    sweeps: [
      ...smoke.sweeps.filter(({ tasks }) => tasks.every((task) => task === 'emoji')),
      { table: 'iso-parameters', tasks: ['latents'], methods: ['kind', 'lora', 'scratch'] },
      { table: 'budget', tasks: ['latents'], methods: ['bundle-cut', 'small'] },
    ],
  };
}

const jobsOf = (input: BenchmarkPlanInput) => [...resolveJobs(parsePlan(input, 'plan')).values()];
const ofPixels = ({ key }: Job) => !/^(data-|base-|latents-)?(large|latents)-/.test(key);
const keys = (jobs: readonly Job[]) => jobs.map(({ key }) => key);
const kindsOf = (jobs: readonly Job[], known: readonly Job[]) => {
  const old = new Set(keys(known));
  return [...new Set(jobs.filter(({ key }) => !old.has(key)).map(({ kind }) => kind))].sort();
};
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('keys of jobs in latents', () => {
  const base = jobsOf(withLatentTask(filled));

  test('leave those of tasks in pixels as they were, budgets among them', () => {
    // The hash of the smoke plan's keys from before there were tasks in latents (resolve-jobs.test.ts).
    expect(sha256(keys(base.filter(ofPixels)).join('\n'))).toBe(
      '96cc639e74ec8a7477511128d8226aef1a53d7a545ef075d69963656fd49f189',
    );
    expect(base.filter(ofPixels).some(({ kind }) => kind === 'budget')).toBe(true);
    expect(new Set(keys(base)).size).toBe(base.length);
  });

  test('hold the hash: another autoencoder shares no model and no result, but images and classifiers', () => {
    const other = jobsOf(withLatentTask({ ...filled, hash: OTHER }));
    expect(kindsOf(other, base)).toEqual(['base', 'budget', 'latents', 'learning-rate', 'trial', 'tuning']);
    const shared = other.filter(({ key }) => keys(base).includes(key) && !ofPixels({ key } as Job));
    expect(shared.map(({ kind }) => kind).sort()).toEqual(['classifier', 'classifier', 'data']);
  });

  test('another scale shares the latents that are stored, and no model', () => {
    const other = jobsOf(withLatentTask({ ...filled, scalingFactor: 2 }));
    expect(kindsOf(other, base)).toEqual(['base', 'budget', 'learning-rate', 'trial', 'tuning']);
    const shifted = jobsOf(withLatentTask({ ...filled, shiftFactor: 0.5 }));
    expect(kindsOf(shifted, base)).toEqual(['base', 'budget', 'learning-rate', 'trial', 'tuning']);
  });

  test('other patches are other models', () => {
    expect(kindsOf(jobsOf(withLatentTask(filled, { patchSize: 2 })), base)).toEqual([
      'base',
      'budget',
      'learning-rate',
      'trial',
      'tuning',
    ]);
  });

  test('do not hold the place or the name of the autoencoder', () => {
    const { hash, scalingFactor, shiftFactor } = filled;
    const moved = jobsOf(withLatentTask({ name: 'elsewhere', hash, scalingFactor, shiftFactor }));
    expect(keys(moved)).toEqual(keys(base));
  });

  test('what works in latents needs them, what scores does not', () => {
    const [latents] = base.filter(({ kind }) => kind === 'latents');
    expect(latents.needs.map((key) => key.replace(/-[0-9a-f]{8}$/, ''))).toEqual(['data-large']);
    for (const job of base) {
      if (job.kind === 'latents' || job.kind === 'data') continue;
      const inLatents = !ofPixels(job) && job.kind !== 'classifier' && job.kind !== 'budget';
      expect(job.needs.includes(latents.key), job.key).toBe(inLatents);
    }
  });

  test('models in pixels and in latents of the same images are told apart', () => {
    const plan = withLatentTask(filled, { dataset: 'emoji' });
    const bases = jobsOf({ ...plan, datasets: { emoji: smoke.datasets.emoji } }).filter(({ kind }) => kind === 'base');
    const dense = bases.filter((job) => job.kind === 'base' && job.base.spec.form === 'dense' && !job.base.start);
    expect(dense.map(({ key }) => key.replace(/-[0-9a-f]{8}$/, ''))).toEqual(
      expect.arrayContaining(['emoji-dense-64-s0', 'emoji-latents-dense-64-s0']),
    );
  });
});

test.each(['hash', 'scalingFactor', 'shiftFactor'] as const)('a plan without %s is not resolved', (field) => {
  const { [field]: _, ...rest } = filled;
  const plan = parsePlan(withLatentTask(rest), 'plan');
  expect(() => resolveJobs(plan)).toThrow(`plan: tasks.latents.autoencoder.${field}: missing; withAutoencoders`);
});

test.each<[string, unknown[], string]>([
  ['a second argument', [parsePlan(smoke, 'plan'), { only: ['kind'] }], 'expected 1 argument, got 2'],
  ['an unknown field', [{ ...parsePlan(smoke, 'plan'), sweps: [] }], 'sweps'],
  ['a plan without defaults', [smoke], 'whose defaults are filled in'],
])('resolveJobs refuses %s', (_, args, message) => {
  const resolve = resolveJobs as (...values: unknown[]) => unknown;
  expect(() => resolve(...args)).toThrow(message);
});

test('the plan itself is not changed', () => {
  const plan = parsePlan(withLatentTask(filled), 'plan');
  const before = structuredClone(plan) as BenchmarkPlan;
  resolveJobs(plan);
  expect(plan).toEqual(before);
});
