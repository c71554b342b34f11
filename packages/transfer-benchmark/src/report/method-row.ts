import { GUIDANCE_MODES, type TrialResult } from '../plan/result';
import { median, type Spread } from '../statistics';
import { type Comparison, compare } from './compare';
import type { Scope } from './conditions';
import { finalEvaluation, finalValue, METRICS, type MetricKey } from './metrics';
import { seedSpread } from './seed-spread';
import type { Cost, GuidanceRow, MethodRow } from './summary-types';

/** What the trials of a method cost: the middle of each figure. */
function costOf(trials: readonly TrialResult[]): Cost {
  const middle = (value: (trial: TrialResult) => number | undefined) =>
    median(trials.map(value).filter((one): one is number => Number.isFinite(one)));
  return {
    trainable: middle(({ trainable }) => trainable),
    parameters: middle(({ parameters }) => parameters),
    macs: middle(({ macs }) => macs),
    bytesPerClass: middle(({ bytesPerClass }) => bytesPerClass),
    stepMs: middle(({ stepMs }) => stepMs),
    peakRssMiB: middle(({ peakRssMiB }) => peakRssMiB),
    trainSeconds: middle(({ trainSeconds }) => trainSeconds),
  };
}

const different = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);

function guidanceRows(trials: readonly TrialResult[], scope: Scope): GuidanceRow[] {
  return GUIDANCE_MODES.map((mode) => {
    const at = (trial: TrialResult) => {
      const { step } = finalEvaluation(trial);
      return trial.evaluations
        .filter((one) => one.step === step && one.guidance === mode)
        .sort((a, b) => b.samples - a.samples)[0];
    };
    const measured = trials.filter((trial) => at(trial) !== undefined);
    return {
      mode,
      fid: seedSpread(
        measured.map((trial) => ({ ...trial, value: at(trial)?.fid ?? Number.NaN })),
        scope,
      ),
      chosen: trials.filter((trial) => trial.guidance.chosen === mode).length,
      scales: different(measured.map((trial) => at(trial)?.scale ?? Number.NaN).filter(Number.isFinite)),
    };
  });
}

/** Sums up a method's trials in a scope, against KIND's (none for KIND itself). */
export function methodRow(trials: readonly TrialResult[], kind: readonly TrialResult[], scope: Scope): MethodRow {
  const acrossTasks = scope.conditions.length > 1;
  const compared = METRICS.flatMap(({ key }): [MetricKey, Comparison][] => {
    const comparison = compare(trials, kind, { metric: key, acrossTasks });
    return comparison === undefined ? [] : [[key, comparison]];
  });
  return {
    method: trials[0].method,
    trials: trials.length,
    samples: different(trials.map((trial) => finalEvaluation(trial).samples)),
    seeds: different(trials.map(({ seed }) => seed)),
    learningRates: different(trials.flatMap(({ learningRate }) => (learningRate === undefined ? [] : [learningRate]))),
    ranks: different(trials.flatMap(({ rank }) => (rank === undefined ? [] : [rank]))),
    metrics: Object.fromEntries(
      METRICS.map(({ key }) => [
        key,
        seedSpread(
          trials.map((trial) => ({ ...trial, value: finalValue(trial, key) })),
          scope,
        ),
      ]),
    ) as Record<MetricKey, Spread>,
    against: Object.fromEntries(compared),
    guidance: guidanceRows(trials, scope),
    cost: costOf(trials),
  };
}
