import type { CellResult } from '../plan/result';
import { conditionKey, conditionsOf } from './conditions';
import { finalValue } from './metrics';
import { median, spread } from './statistics';
import type { BudgetPoint, BudgetSummary } from './summary-types';
import { groupByMethod } from './table-summary';

/** Models of the same size: the same rank, or as many multiply-accumulates where there is none. */
function sizes(cells: readonly CellResult[]): BudgetPoint[] {
  const groups = new Map<string, CellResult[]>();
  for (const cell of cells) {
    const size = cell.group ?? String(cell.rank ?? cell.macs);
    groups.set(size, [...(groups.get(size) ?? []), cell]);
  }
  return [...groups.values()]
    .map((members) => ({
      parameters: median(members.map(({ parameters }) => parameters)),
      macs: median(members.map(({ macs }) => macs)),
      fid: spread(members.map((cell) => finalValue(cell, 'fid'))),
      classAccuracy: spread(members.map((cell) => finalValue(cell, 'classAccuracy'))),
      validationLoss: spread(members.map((cell) => finalValue(cell, 'validationLoss'))),
    }))
    .sort((a, b) => a.macs - b.macs || a.parameters - b.parameters);
}

/** FID against the size of the model, under every condition. */
export function budgetSummaries(cells: readonly CellResult[]): BudgetSummary[] {
  return conditionsOf(cells).map((condition) => ({
    condition,
    lines: groupByMethod(cells.filter((cell) => conditionKey(cell) === conditionKey(condition))).map(
      ([method, members]) => ({ method, points: sizes(members) }),
    ),
  }));
}
