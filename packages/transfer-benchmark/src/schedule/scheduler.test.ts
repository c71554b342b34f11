import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { JobNode } from '../jobs/job';
import { runSchedule, type ScheduleState } from './scheduler';

function jobsOf(needs: Record<string, string[]>): Map<string, JobNode> {
  return new Map(Object.entries(needs).map(([key, list]) => [key, { key, needs: list, cost: 1 }]));
}
const never = new AbortController().signal;

test('does everything once, after its needs, so many at a time', async () => {
  const log: string[] = [];
  const states: ScheduleState[] = [];
  let running = 0;
  let most = 0;
  const result = await runSchedule(jobsOf({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'], e: [] }), {
    workers: 2,
    done: () => false,
    async execute({ key }, progress) {
      most = Math.max(most, ++running);
      progress(0.5);
      await sleep(5);
      running--;
      log.push(key);
    },
    signal: never,
    onProgress: (state) => states.push(state),
  });
  expect(result).toEqual({ done: 5, failed: [] });
  expect([...log].sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(log.indexOf('d')).toBe(4);
  expect(most).toBe(2);
  expect(states.at(-1)).toEqual({ cost: 5, totalCost: 5, done: 5, total: 5, failed: 0, running: [] });
});

test('what was done before is not done again', async () => {
  const log: string[] = [];
  const execute = async ({ key }: { key: string }) => void log.push(key);
  const done = ({ key }: { key: string }) => key === 'a';
  const result = await runSchedule(jobsOf({ a: [], b: ['a'] }), { workers: 1, done, execute, signal: never });
  expect([log, result.done]).toEqual([['b'], 1]);
});

test('a failure takes what needs it with it, and nothing else', async () => {
  const failures: string[] = [];
  const { done, failed } = await runSchedule(jobsOf({ bad: [], after: ['bad'], later: ['after'], good: [] }), {
    workers: 1,
    done: () => false,
    async execute({ key }) {
      if (key === 'bad') throw new Error('broken');
    },
    signal: never,
    onFailure: async ({ key }, message) => void failures.push(`${key}: ${message}`),
  });
  expect(done).toBe(1);
  expect(failed.map(({ job }) => job.key)).toEqual(['bad', 'after', 'later']);
  expect(failures[0]).toBe('bad: broken');
  expect(failures[2]).toContain('needs after, which failed: needs bad, which failed: broken');
});

test('an abort lets nothing new begin and is no failure', async () => {
  const controller = new AbortController();
  const log: string[] = [];
  const run = runSchedule(jobsOf({ a: [], b: [] }), {
    workers: 1,
    done: () => false,
    async execute({ key }) {
      log.push(key);
      controller.abort(new Error('stop'));
      throw new Error('interrupted');
    },
    signal: controller.signal,
    onFailure: async () => void log.push('failure'),
  });
  await expect(run).rejects.toThrow('stop');
  expect(log).toEqual(['a']);
});
