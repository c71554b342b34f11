import type { Evaluation, TrialResult } from '../plan/result';

/** What samples are scored by. */
export type MetricKey = 'fid' | 'sfid' | 'inceptionScore' | 'precision' | 'recall' | 'classAccuracy' | 'validationLoss';

/** How a metric is named, compared and printed. */
export interface Metric {
  key: MetricKey;
  title: string;
  /** Whether less of it is better. */
  lowerIsBetter: boolean;
  /** Digits after the point. */
  digits: number;
  /** Whether ratios of it mean something: distances and losses are compared in percent over tasks. */
  ratios: boolean;
}

/** All metrics, in the order that tables show them. */
export const METRICS: readonly Metric[] = [
  { key: 'fid', title: 'FID', lowerIsBetter: true, digits: 2, ratios: true },
  { key: 'sfid', title: 'sFID', lowerIsBetter: true, digits: 2, ratios: true },
  { key: 'inceptionScore', title: 'IS', lowerIsBetter: false, digits: 2, ratios: true },
  { key: 'precision', title: 'precision', lowerIsBetter: false, digits: 3, ratios: false },
  { key: 'recall', title: 'recall', lowerIsBetter: false, digits: 3, ratios: false },
  { key: 'classAccuracy', title: 'class accuracy', lowerIsBetter: false, digits: 3, ratios: false },
  { key: 'validationLoss', title: 'validation loss', lowerIsBetter: true, digits: 4, ratios: true },
];

/** The metric of a key. */
export function metricOf(key: MetricKey): Metric {
  return METRICS.find((metric) => metric.key === key) as Metric;
}

/** The last moment of a trial with its chosen guidance and most samples; another mode's where that was not evaluated. */
export function finalEvaluation({ evaluations, guidance }: TrialResult): Evaluation {
  const last = Math.max(...evaluations.map(({ step }) => step));
  const final = evaluations.filter(({ step }) => step === last).sort((a, b) => b.samples - a.samples);
  return final.find((one) => one.guidance === guidance.chosen) ?? final[0];
}

/** The curve of a trial: the chosen guidance at every step, each time with as few samples as on the way, if that was scored. */
export function curveEvaluations({ evaluations, guidance }: TrialResult): Evaluation[] {
  const steps = new Map<number, Evaluation>();
  for (const one of evaluations) {
    if (one.guidance !== guidance.chosen) continue;
    const before = steps.get(one.step);
    if (before === undefined || one.samples < before.samples) steps.set(one.step, one);
  }
  return [...steps.values()];
}

/** A metric of a trial at its end, with its chosen guidance. NaN where it was not measured. */
export function finalValue(trial: TrialResult, key: MetricKey): number {
  return finalEvaluation(trial)[key] ?? Number.NaN;
}
