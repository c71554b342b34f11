import type { Cell, Section } from '@learngene/report';
import type { CellResult } from '../plan/result';
import { conditionKey, conditionsOf, settingTitle } from './conditions';
import { meanDeviation } from './format';
import { finalValue } from './metrics';
import { spread } from './statistics';
import { nameCell } from './table-sections';
import { groupByMethod } from './table-summary';

/** FID by pictures a class and steps, for tasks that were run under several such settings. */
export function sweepSections(cells: readonly CellResult[]): Section[] {
  const main = cells.filter(({ table }) => table === 'parameters');
  const tasks = [...new Set(main.map(({ task }) => task))].sort();
  return tasks.flatMap((task): Section[] => {
    const own = main.filter((cell) => cell.task === task);
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
            const there = members.filter((cell) => conditionKey(cell) === conditionKey(condition));
            return meanDeviation(spread(there.map((cell) => finalValue(cell, 'fid'))), 2);
          }),
        ]),
      },
    ];
  });
}
