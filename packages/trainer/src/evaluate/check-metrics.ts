import type { MetricName } from '@learngene/metrics';
import { ConfigError } from '@learngene/pipeline';

/** The figures that can be asked for. */
export const METRIC_NAMES: readonly MetricName[] = ['fid', 'sfid', 'inception-score', 'kid', 'precision-recall'];

/**
 * The figures of a list of names.
 *
 * @param argument What gave the names, for the message.
 * @throws ConfigError where there is none, or one of another name
 */
export function checkMetrics(names: readonly string[], argument = 'metrics'): MetricName[] {
  const expected = METRIC_NAMES.join(', ');
  if (names.length === 0) {
    throw new ConfigError(`${argument}: expected some of ${expected}, got none`, { argument });
  }
  for (const name of names) {
    if (!METRIC_NAMES.includes(name as MetricName)) {
      throw new ConfigError(`${argument}: expected ${expected}, got ${name}`, { argument });
    }
  }
  return names as MetricName[];
}
