import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { expect, test } from 'vitest';
import { type MetricsLine, openMetricsLog, readMetricsLog } from './metrics-log';

const folder = temporaryFolder('log');
const line = (step: number): MetricsLine => ({
  step,
  loss: 1 / step,
  gradientNorm: 2,
  learningRate: 1e-3,
  stepsPerSecond: 4,
  rssMiB: 5,
  tensors: 6,
});

test('a missing log is empty', () => expect(readMetricsLog(folder)).toEqual([]));

test('is cut back to what a checkpoint recorded, whatever came behind', () => {
  const first = openMetricsLog(folder, 0);
  first.append(line(1));
  first.append(line(2));
  const recorded = first.bytes();
  first.append(line(3));
  first.flush();
  first.close();
  appendFileSync(join(folder, 'metrics.jsonl'), '{"step":4,"lo');
  expect(readMetricsLog(folder).map(({ step }) => step)).toEqual([1, 2, 3]);

  const second = openMetricsLog(folder, recorded);
  expect(readMetricsLog(folder)).toEqual([line(1), line(2)]);
  second.append(line(9));
  expect(second.bytes()).toBe(readFileSync(join(folder, 'metrics.jsonl')).length);
  second.close();
  expect(readMetricsLog(folder).map(({ step }) => step)).toEqual([1, 2, 9]);
});

test('a log that is shorter than recorded goes on at its end', () => {
  const log = openMetricsLog(folder, 1e6);
  log.append(line(10));
  log.close();
  expect(readMetricsLog(folder).map(({ step }) => step)).toEqual([1, 2, 9, 10]);
});
