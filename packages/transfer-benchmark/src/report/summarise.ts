import type { TrialResult, TrialTable } from '../plan/result';
import { budgetSummaries } from './budgets';
import { conditionKey, conditionsOf, scopesOf } from './conditions';
import { curveSummaries } from './curves';
import { KIND_METHOD } from './methods';
import type { Metric } from './metrics';
import { openTrials } from './open-trials';
import type { Results } from './read-results';
import type { TableSummary, TransferSummary } from './summary-types';
import { standing, tableSummary } from './table-summary';
import { compareOverTasks } from './task-comparison';

/** Trials, and KIND's of the main table where they have none of their own under these conditions. */
function withKind(trials: readonly TrialResult[], main: readonly TrialResult[]): TrialResult[] {
  if (trials.some(({ method }) => method === KIND_METHOD)) return [...trials];
  const conditions = new Set(conditionsOf(trials).map(conditionKey));
  return [...trials, ...main.filter((trial) => trial.method === KIND_METHOD && conditions.has(conditionKey(trial)))];
}

/** The tables of all scopes of some trials. */
function tables(trials: readonly TrialResult[], of: { table: TrialTable; group?: string }): TableSummary[] {
  return scopesOf(trials).map((scope) => tableSummary(trials, scope, of));
}

function ablationTables(trials: readonly TrialResult[], main: readonly TrialResult[]): TableSummary[] {
  const groups = [...new Set(trials.map(({ group }) => group ?? 'other'))].sort();
  return groups.flatMap((group) =>
    tables(
      withKind(
        trials.filter((trial) => (trial.group ?? 'other') === group),
        main,
      ),
      { table: 'ablation', group },
    ),
  );
}

const HEADLINES: readonly Metric['key'][] = [
  'fid',
  'sfid',
  'inceptionScore',
  'precision',
  'recall',
  'classAccuracy',
  'validationLoss',
];

/** Sums up the results of a benchmark. */
export function summariseResults(results: Results): TransferSummary {
  const { trials, errors, unreadable } = results;
  const of = (table: TrialTable) => trials.filter((trial) => trial.table === table);
  const main = of('iso-parameters');
  const isoParameters = tables(main, { table: 'iso-parameters' });
  const isoMacs = of('iso-macs');
  const taskComparison = compareOverTasks(main, results.jobs);
  return {
    format: 2,
    done: trials.length,
    open: openTrials(results),
    failed: errors,
    unreadable,
    standings: isoParameters.length === 0 ? [] : HEADLINES.map((metric) => standing(isoParameters[0], metric)),
    isoParameters,
    ...(taskComparison && { taskComparison }),
    isoMacs: isoMacs.length === 0 ? [] : tables(withKind(isoMacs, main), { table: 'iso-macs' }),
    ablations: ablationTables(of('ablation'), main),
    curves: curveSummaries(main),
    budgets: budgetSummaries(of('budget')),
  };
}
