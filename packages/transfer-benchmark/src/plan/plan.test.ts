import { describe, expect, test } from 'vitest';
import { buildGraph } from '../schedule/graph';
import { listBudgets, listCells } from './jobs';
import { type PlanInput, parsePlan } from './plan';
import { plans } from './plans';

const small = plans.smoke;
const withTask = (task: object): PlanInput => ({ ...small, tasks: { emoji: { ...small.tasks.emoji, ...task } } });

describe('the plans that come with the command', () => {
  test.each(['smoke', 'quick', 'full'] as const)('%s is valid, and needs come before what needs them', (name) => {
    const graph = buildGraph(parsePlan(plans[name], name));
    const seen = new Set<string>();
    for (const [key, { job, needs }] of graph) {
      expect(job.key).toBe(key);
      for (const need of needs) expect(seen).toContain(need);
      seen.add(key);
    }
  });
  test('the cost of work is counted in passes of one image through the network', () => {
    const costs = (only: string) =>
      [...buildGraph(parsePlan(plans.smoke, 'smoke'), [only]).values()].map(({ job, cost }) => [job.kind, cost]);
    const [data, classifier] = [
      ['data', 1000],
      ['classifier', (80 * 64 * 3) / 4],
    ];
    // 20 of 60 steps at each of two rates; then 2 rates x (16 steps of 16 + 32 images in 6 steps of 5 passes) and 32 images
    // in 6 steps of 4 passes at 2 scales.
    const sweep = ['base-sweep', 2 * 20 * 32 * 3];
    const base = ['base', 60 * 32 * 3];
    const tuning = ['tuning', 2 * (16 * 16 * 3 + 32 * 6 * 5) + 32 * 6 * 4 * 2];
    // 24 steps of 16, 2 x 24 images with 5 passes a step, and 2 x 16 images with 2 at one point of the curve.
    const cell = ['cell', 24 * 16 * 3 + 2 * 24 * 6 * 5 + 2 * 16 * 6 * 2];
    expect(costs('lora')).toEqual([data, classifier, classifier, sweep, base, tuning, cell]);
    expect(costs('scratch')).toEqual([data, classifier, classifier, tuning, cell]);
    // The same numbers stand in another table already.
    expect(costs('lora-class').slice(-2)).toEqual([cell, ['cell', 1]]);
    expect(costs('small').filter(([kind]) => kind === 'budget')).toEqual([['budget', 4 * 24 * 6 * 2]]);
  });
  test('work comes in the order of the rows, budgets among the cells', () => {
    const { grids } = plans.smoke;
    const budget = grids.find(({ table }) => table === 'budget');
    const others = grids.filter((row) => row !== budget);
    const kinds = (rows: unknown) =>
      [...buildGraph(parsePlan({ ...plans.smoke, grids: rows }, 'plan')).values()]
        .map(({ job }) => job.kind)
        .filter((kind) => kind === 'cell' || kind === 'budget');
    const first = kinds([budget, ...others]);
    const last = kinds([...others, budget]);
    expect([first[0], first.at(-1)]).toEqual(['budget', 'cell']);
    expect([last[0], last.at(-1)]).toEqual(['cell', 'budget']);
  });
  test('no task tunes on what it reports', () => {
    for (const input of Object.values(plans)) {
      const plan = parsePlan(input, 'plan');
      for (const task of Object.values(plan.tasks)) {
        const chooser = task.tuneAs === undefined ? task : plan.tasks[task.tuneAs];
        for (const name of task.novel)
          expect([...chooser.tuning, ...(task.pretrainingDataset ? [] : task.pretraining)]).not.toContain(name);
      }
    }
  });
});

describe('parsePlan', () => {
  test.each<[string, unknown, string]>([
    ['a novel class that was tuned on', withTask({ tuning: ['heart'] }), 'heart is in two sets'],
    ['a novel class of pre-training', withTask({ pretraining: ['heart'] }), 'heart is in two sets'],
    ['an unknown dataset', withTask({ dataset: 'cats' }), 'unknown dataset cats'],
    ['an unknown key', { ...small, colour: 1 }, 'colour'],
    ['an unknown method', { ...small, grids: [{ ...small.grids[0], methods: ['magic'] }] }, 'grids.0.methods.0'],
    ['an unknown task', { ...small, grids: [{ ...small.grids[0], tasks: ['cats'] }] }, 'unknown task cats'],
    ['a budget among methods', { ...small, grids: [{ ...small.grids[0], methods: ['kind', 'small'] }] }, "'budget'"],
    ['an unknown task to tune as', withTask({ tuneAs: 'cats' }), 'unknown task cats'],
  ])('refuses %s', (_, plan, message) => {
    expect(() => parsePlan(plan, 'plan.json')).toThrow(message);
    expect(() => parsePlan(plan, 'plan.json')).toThrow('plan.json: ');
  });
  test('a task may take the choices of one with the same base, if these were not made on its novel classes', () => {
    const { emoji } = small.tasks;
    const other = (novel: string[]) => ({
      ...small,
      tasks: { emoji, other: { ...emoji, novel, tuning: ['zodiac'], tuneAs: 'emoji' } },
    });
    expect(parsePlan(other(['keycap']), 'plan').tasks.other.tuneAs).toBe('emoji');
    expect(() => parsePlan(other(['time']), 'plan')).toThrow('time is novel here and was tuned on in emoji');
  });
});

test('--only keeps cells of some methods and what they need', () => {
  const plan = parsePlan(plans.smoke, 'smoke');
  const kinds = (only: string[]) => [...buildGraph(plan, only).values()].map(({ job }) => job.kind);
  expect(kinds(['scratch']).sort()).toEqual(['cell', 'classifier', 'classifier', 'data', 'tuning']);
  expect(listCells(plan, ['kind']).map(({ table }) => table)).toEqual(['parameters', 'macs']);
  expect(listBudgets(plan, ['small'])).toHaveLength(1);
});
