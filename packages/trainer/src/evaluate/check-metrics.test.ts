import { ConfigError } from '@learngene/pipeline';
import { expect, test } from 'vitest';
import { checkMetrics } from './check-metrics';

test('figures by name; none and others are refused by the name of the argument', () => {
  expect(checkMetrics(['kid', 'fid'])).toEqual(['kid', 'fid']);
  expect(() => checkMetrics([])).toThrow('metrics: expected some of fid, sfid, inception-score, kid');
  expect(() => checkMetrics(['fid', 'FID'], '--metrics')).toThrow(/^--metrics: expected fid, .*, got FID$/);
  expect(() => checkMetrics([])).toThrow(ConfigError);
});
