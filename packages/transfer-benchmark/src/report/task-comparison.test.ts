import { tinyPlan } from '@learngene/testing';
import { describe, expect, test } from 'vitest';
import { syntheticTrial } from '../../test/synthetic-results';
import { resolveJobs } from '../jobs/resolve-jobs';
import { parsePlan } from '../plan/benchmark-plan';
import { compareOverTasks } from './task-comparison';

const kindFids: Record<string, number[]> = { tops: [10, 20], shoes: [40], bags: [30] };
/** Trials of a method whose FIDs are KIND's times a task's ratios, seed by seed. */
const times = (method: string, ratios: Record<string, number[]>) =>
  Object.entries(ratios).flatMap(([task, each]) =>
    each.map((ratio, seed) => syntheticTrial({ method, task, seed, fid: ratio * kindFids[task][seed] })),
  );
const kind = times('kind', { tops: [1, 1], shoes: [1], bags: [1] });

describe('the comparison over tasks', () => {
  test('a task counts once, however many seeds it has', () => {
    const lora = times('lora', { tops: [2, 8], shoes: [2], bags: [1] });
    const { tasks, rows } = compareOverTasks([...kind, ...lora])!;
    const byTask = Object.fromEntries(tasks.map(({ task }, i) => [task, rows[0].fid.tasks[i]]));
    expect(byTask.tops.percent).toBeCloseTo(300, 10);
    expect(byTask).toMatchObject({ tops: { pairs: 2 }, shoes: { pairs: 1 }, bags: { pairs: 1 } });
    expect(rows[0].fid.overTasks.percent).toBeCloseTo(100, 10); // the cube root of 4 · 2 · 1
    expect(rows[0].sfid.overTasks.percent).toBeCloseTo(100, 10);
  });

  test.each([
    ['worse', [1.2, 1.25], [1.3], [1.2]],
    ['better', [0.8, 0.85], [0.8], [0.82]],
    ['equal', [1.3, 1.2], [0.8], [1]],
  ])('%s', (verdict, tops, shoes, bags) => {
    const { rows } = compareOverTasks([...kind, ...times('lora', { tops, shoes, bags })])!;
    expect(rows[0].fid.overTasks.verdict).toBe(verdict);
    const [low, high] = rows[0].fid.overTasks.interval!;
    expect(low).toBeLessThanOrEqual(rows[0].fid.overTasks.percent);
    expect(high).toBeGreaterThanOrEqual(rows[0].fid.overTasks.percent);
  });

  test('a base model counts once, however many tasks stand on it', () => {
    const lora = times('lora', { tops: [8, 8], shoes: [2], bags: [1] });
    const { tiny } = tinyPlan('images.safetensors').tasks;
    const task = (pretraining: string[], pretrainingDataset?: string) => ({ ...tiny, pretraining, pretrainingDataset });
    const plan = parsePlan(
      {
        ...tinyPlan('images.safetensors'),
        datasets: { tiny: { source: 'emoji' }, other: { source: 'emoji' } },
        tasks: {
          tops: task(['Coat']),
          shoes: task(['Shirt']),
          bags: { ...task(['Shirt'], 'tiny'), dataset: 'other' },
        },
        sweeps: [{ table: 'iso-parameters', tasks: ['tops', 'shoes', 'bags'], methods: ['kind'] }],
      },
      'plan',
    );
    const [{ fid }] = compareOverTasks([...kind, ...lora], resolveJobs(plan))!.rows;
    expect(fid.overBases.count).toBe(2);
    expect(fid.overBases.percent).toBeCloseTo(100 * (Math.sqrt(8 * Math.sqrt(2)) - 1), 10);
    // Without a plan, each task's bases are its own.
    const [alone] = compareOverTasks([...kind, ...lora])!.rows;
    expect(alone.fid.overBases).toEqual(alone.fid.overTasks);
  });

  test('leaves out what a task lacks, other settings, and all with fewer than three tasks', () => {
    const lora = times('lora', { tops: [1, 1], shoes: [1], bags: [1] });
    const part = times('dora', { tops: [1, 1], shoes: [1] });
    const longer = [...kind, ...lora]
      .filter(({ task }) => task === 'tops')
      .map((trial) => syntheticTrial({ ...trial, fid: 99, steps: 600 }));
    const { tasks, rows } = compareOverTasks([...kind, ...lora, ...part, ...longer])!;
    expect(rows.map(({ method }) => method)).toEqual(['lora']);
    expect(tasks.every(({ steps }) => steps === 300)).toBe(true);
    expect(compareOverTasks([...kind, ...lora].filter(({ task }) => task !== 'bags'))).toBeUndefined();
  });
});
