import { expectClose, readFixture } from '@learngene/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { useNnBackend } from '../test/setup';
import { constantSchedule, cosineSchedule, linearSchedule, stepSchedule, warmupSchedule } from './index';

const torch = readFixture<{ schedules: Record<string, number[]> }>(import.meta.url, '../fixtures/torch.json');

beforeAll(useNnBackend);

describe('schedules', () => {
  const values = (schedule: (step: number) => number, name: string): void =>
    expectClose(
      torch.schedules[name].map((_, step) => schedule(step)),
      torch.schedules[name],
      { rtol: 1e-9, atol: 1e-12 },
    );

  test('follow torch', () => {
    values(cosineSchedule({ start: 0.5, end: 0.05, steps: 10 }), 'cosine');
    values(stepSchedule({ start: 0.5, every: 3, factor: 0.5 }), 'step');
    values(linearSchedule({ start: 0.5, end: 0.1, steps: 8 }), 'linear');
    values(warmupSchedule({ steps: 4, schedule: constantSchedule(0.5) }), 'warmup');
  });

  test('stay at the end and start after the warm-up', () => {
    const cosine = cosineSchedule({ start: 1, steps: 10 });
    expect([cosine(0), cosine(10), cosine(99)]).toEqual([1, 0, 0]);
    const warm = warmupSchedule({ steps: 2, schedule: cosine });
    expect([warm(0), warm(1), warm(2), warm(7)]).toEqual([0.5, 1, 1, cosine(5)]);
    expect(stepSchedule({ start: 1, every: 2 })(5)).toBeCloseTo(0.01);
  });
});
