import type { CellResult } from '../transfer/result';
import { type Condition, conditionKey, conditionsOf } from './conditions';
import { kindMethod } from './methods';
import { spread } from './statistics';
import type { Curve, CurvePoint, CurveSummary } from './summary-types';
import { groupByMethod } from './table-summary';

/** Values by step, spread over the cells that have one there. */
function overCells(points: readonly { step: number; value: number }[]): CurvePoint[] {
  const steps = new Map<number, number[]>();
  for (const { step, value } of points) steps.set(step, [...(steps.get(step) ?? []), value]);
  return [...steps].sort(([a], [b]) => a - b).map(([step, values]) => ({ step, value: spread(values) }));
}

const fidPoints = (cells: readonly CellResult[]) =>
  cells.flatMap(({ evaluations, guidance }) =>
    evaluations.filter((one) => one.guidance === guidance.chosen).map(({ step, fid }) => ({ step, value: fid })),
  );

/** Validation losses of the training log; of the evaluations where the log has none. */
function validationPoints(cells: readonly CellResult[]) {
  return cells.flatMap(({ losses, evaluations, guidance }) => {
    const logged = losses.filter(({ validation }) => validation !== undefined);
    if (logged.length > 0) return logged.map(({ step, validation }) => ({ step, value: validation as number }));
    return evaluations
      .filter((one) => one.guidance === guidance.chosen && one.validationLoss !== undefined)
      .map(({ step, validationLoss }) => ({ step, value: validationLoss as number }));
  });
}

/** The first step at which a curve's mean is at or below a value. */
function firstAtOrBelow(curve: readonly CurvePoint[], goal: number | null | undefined): number | null {
  if (goal === null || goal === undefined) return null;
  return curve.find(({ value }) => value.mean !== null && value.mean <= goal)?.step ?? null;
}

function curvesOf(cells: readonly CellResult[]): Curve[] {
  const kind = overCells(fidPoints(cells.filter(({ method }) => method === kindMethod)));
  return groupByMethod(cells).map(([method, members]) => {
    const fid = overCells(fidPoints(members));
    return {
      method,
      fid,
      validation: overCells(validationPoints(members)),
      kindIsAsGoodAt: firstAtOrBelow(kind, fid.at(-1)?.value.mean),
      asGoodAsKindAt: firstAtOrBelow(fid, kind.at(-1)?.value.mean),
    };
  });
}

/** Curves over steps under every condition. */
export function curveSummaries(cells: readonly CellResult[]): CurveSummary[] {
  return conditionsOf(cells).map((condition: Condition) => ({
    condition,
    curves: curvesOf(cells.filter((cell) => conditionKey(cell) === conditionKey(condition))),
  }));
}
