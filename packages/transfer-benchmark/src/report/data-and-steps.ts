import type { Cell, Section } from '@learngene/report';
import type { TrialResult } from '../plan/result';
import { spread } from '../statistics';
import { conditionKey, conditionsOf, settingTitle } from './conditions';
import { meanDeviation } from './format';
import { finalValue } from './metrics';
import { nameCell } from './table-sections';
import { groupByMethod } from './table-summary';

/** FID by images a class and steps, for tasks that were run under several such settings. */
export function dataAndStepsSections(trials: readonly TrialResult[]): Section[] {
  const main = trials.filter(({ table }) => table === 'iso-parameters');
  const tasks = [...new Set(main.map(({ task }) => task))].sort();
  return tasks.flatMap((task): Section[] => {
    const own = main.filter((trial) => trial.task === task);
    const conditions = conditionsOf(own);
    if (conditions.length < 2) return [];
    return [
      {
        kind: 'table',
        title: `FID by data and steps: ${task}`,
        note: 'Mean ± standard deviation over seeds.',
        header: ['method', ...conditions.map(settingTitle)],
        rows: groupByMethod(own).map(([method, members]): Cell[] => [
          nameCell(method),
          ...conditions.map((condition) => {
            const there = members.filter((trial) => conditionKey(trial) === conditionKey(condition));
            return meanDeviation(spread(there.map((trial) => finalValue(trial, 'fid'))), 2);
          }),
        ]),
      },
    ];
  });
}
