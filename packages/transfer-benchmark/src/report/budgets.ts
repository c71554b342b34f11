import type { TrialResult } from '../plan/result';
import { median, spread } from '../statistics';
import { conditionKey, conditionsOf } from './conditions';
import { finalValue } from './metrics';
import type { BudgetPoint, BudgetSummary } from './summary-types';
import { groupByMethod } from './table-summary';

/** Models of the same size: the same rank, or as many multiply-accumulates where there is none. */
function sizes(trials: readonly TrialResult[]): BudgetPoint[] {
  const groups = new Map<string, TrialResult[]>();
  for (const trial of trials) {
    const size = trial.group ?? String(trial.rank ?? trial.macs);
    groups.set(size, [...(groups.get(size) ?? []), trial]);
  }
  return [...groups.values()]
    .map((members) => ({
      parameters: median(members.map(({ parameters }) => parameters)),
      macs: median(members.map(({ macs }) => macs)),
      fid: spread(members.map((trial) => finalValue(trial, 'fid'))),
      classAccuracy: spread(members.map((trial) => finalValue(trial, 'classAccuracy'))),
      validationLoss: spread(members.map((trial) => finalValue(trial, 'validationLoss'))),
    }))
    .sort((a, b) => a.macs - b.macs || a.parameters - b.parameters);
}

/** FID against the size of the model, under every condition. */
export function budgetSummaries(trials: readonly TrialResult[]): BudgetSummary[] {
  return conditionsOf(trials).map((condition) => ({
    condition,
    lines: groupByMethod(trials.filter((trial) => conditionKey(trial) === conditionKey(condition))).map(
      ([method, members]) => ({ method, points: sizes(members) }),
    ),
  }));
}
