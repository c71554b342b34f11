import { afterEach, expect, test, vi } from 'vitest';
import { duration, textBar, workRate } from './progress-text';

afterEach(() => vi.useRealTimers());

test.each([
  [0, '0 s'],
  [-3, '0 s'],
  [59.4, '59 s'],
  [60, '1:00'],
  [309, '5:09'],
  [3599.6, '1:00:00'],
  [3909, '1:05:09'],
  [360_000, '100:00:00'],
])('%d seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));

test('the rate is that since the work began or was continued', () => {
  vi.useFakeTimers();
  const fresh = workRate(100, 'steps');
  const continued = workRate(100, 'steps');
  vi.advanceTimersByTime(10_000);
  expect(fresh(0)).toBe('');
  expect(fresh(20)).toBe('2.0 steps/s, 40 s left');
  expect(continued(41)).toBe('0.10 steps/s, 9:50 left');
  expect(continued(90)).toBe('5.0 steps/s, 2 s left');
});

test('a bar of text has a line every ten seconds, and a last one', () => {
  vi.useFakeTimers();
  const lines: string[] = [];
  const bar = textBar('Training', 4, { unit: 'steps', write: (line) => void lines.push(line) });
  for (const [step, milliseconds] of [
    [1, 4000],
    [2, 7000],
    [3, 1000],
    [4, 1000],
  ]) {
    vi.advanceTimersByTime(milliseconds);
    bar.update(step, `loss ${step}`);
  }
  bar.stop();
  expect(lines).toEqual([
    'Training: 2/4 steps, 0.18 steps/s, 11 s left loss 2',
    'Training: 4/4 steps, 0.31 steps/s, 0 s left loss 4',
  ]);
});
