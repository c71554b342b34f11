import { type CellResult, guidanceModes } from '../plan/result';
import { type Comparison, compare } from './compare';
import type { Scope } from './conditions';
import { finalEvaluation, finalValue, type MetricKey, metrics } from './metrics';
import { overSeeds } from './over-seeds';
import { median, type Spread } from './statistics';
import type { Cost, GuidanceRow, MethodRow } from './summary-types';

/** What the cells of a method cost: the middle of each figure. */
function costOf(cells: readonly CellResult[]): Cost {
  const middle = (value: (cell: CellResult) => number) => median(cells.map(value).filter(Number.isFinite));
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

function guidanceRows(cells: readonly CellResult[], scope: Scope): GuidanceRow[] {
  return guidanceModes.map((mode) => {
    const at = (cell: CellResult) => {
      const { step } = finalEvaluation(cell);
      return cell.evaluations
        .filter((one) => one.step === step && one.guidance === mode)
        .sort((a, b) => b.samples - a.samples)[0];
    };
    const measured = cells.filter((cell) => at(cell) !== undefined);
    return {
      mode,
      fid: overSeeds(
        measured.map((cell) => ({ ...cell, value: at(cell)?.fid ?? Number.NaN })),
        scope,
      ),
      chosen: cells.filter((cell) => cell.guidance.chosen === mode).length,
      scales: different(measured.map((cell) => at(cell)?.scale ?? Number.NaN).filter(Number.isFinite)),
    };
  });
}

/** Sums up a method's cells in a scope, against KIND's (none for KIND itself). */
export function methodRow(cells: readonly CellResult[], kind: readonly CellResult[], scope: Scope): MethodRow {
  const acrossTasks = scope.conditions.length > 1;
  const compared = metrics.flatMap(({ key }): [MetricKey, Comparison][] => {
    const comparison = compare(cells, kind, { metric: key, acrossTasks });
    return comparison === undefined ? [] : [[key, comparison]];
  });
  return {
    method: cells[0].method,
    cells: cells.length,
    samples: different(cells.map((cell) => finalEvaluation(cell).samples)),
    seeds: different(cells.map(({ seed }) => seed)),
    learningRates: different(cells.map(({ learningRate }) => learningRate)),
    ranks: different(cells.flatMap(({ rank }) => (rank === undefined ? [] : [rank]))),
    metrics: Object.fromEntries(
      metrics.map(({ key }) => [
        key,
        overSeeds(
          cells.map((cell) => ({ ...cell, value: finalValue(cell, key) })),
          scope,
        ),
      ]),
    ) as Record<MetricKey, Spread>,
    against: Object.fromEntries(compared),
    guidance: guidanceRows(cells, scope),
    cost: costOf(cells),
  };
}
