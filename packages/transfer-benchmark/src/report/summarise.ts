import type { CellResult, CellTable } from '../plan/result';
import { budgetSummaries } from './budgets';
import { conditionKey, conditionsOf, scopesOf } from './conditions';
import { curveSummaries } from './curves';
import { openCells } from './expected';
import type { Grid } from './grid';
import { kindMethod } from './methods';
import type { Metric } from './metrics';
import { overTasks } from './over-tasks';
import type { TableSummary, TransferSummary } from './summary-types';
import { standing, tableSummary } from './table-summary';

/** Cells, and KIND's of the main table where they have none of their own under these conditions. */
function withKind(cells: readonly CellResult[], main: readonly CellResult[]): CellResult[] {
  if (cells.some(({ method }) => method === kindMethod)) return [...cells];
  const conditions = new Set(conditionsOf(cells).map(conditionKey));
  return [...cells, ...main.filter((cell) => cell.method === kindMethod && conditions.has(conditionKey(cell)))];
}

/** The tables of all scopes of some cells. */
function tables(cells: readonly CellResult[], of: { table: CellTable; group?: string }): TableSummary[] {
  return scopesOf(cells).map((scope) => tableSummary(cells, scope, of));
}

function ablationTables(cells: readonly CellResult[], main: readonly CellResult[]): TableSummary[] {
  const groups = [...new Set(cells.map(({ group }) => group ?? 'other'))].sort();
  return groups.flatMap((group) =>
    tables(
      withKind(
        cells.filter((cell) => (cell.group ?? 'other') === group),
        main,
      ),
      { table: 'ablation', group },
    ),
  );
}

const headlines: readonly Metric['key'][] = [
  'fid',
  'sfid',
  'inceptionScore',
  'precision',
  'recall',
  'classAccuracy',
  'validationLoss',
];

/** Sums up a grid. */
export function summariseGrid(grid: Grid): TransferSummary {
  const { cells, errors, unreadable } = grid;
  const of = (table: CellTable) => cells.filter((cell) => cell.table === table);
  const main = of('parameters');
  const parameters = tables(main, { table: 'parameters' });
  const macs = of('macs');
  const together = overTasks(main, grid.plan);
  return {
    format: 1,
    done: cells.length,
    open: openCells(grid),
    failed: errors,
    unreadable,
    standings: parameters.length === 0 ? [] : headlines.map((metric) => standing(parameters[0], metric)),
    parameters,
    ...(together && { overTasks: together }),
    macs: macs.length === 0 ? [] : tables(withKind(macs, main), { table: 'macs' }),
    ablations: ablationTables(of('ablation'), main),
    curves: curveSummaries(main),
    budgets: budgetSummaries(of('budget')),
  };
}
