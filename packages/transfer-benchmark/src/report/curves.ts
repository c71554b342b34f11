import type { CellResult } from '../plan/result';
import { conditionKey, type Scope, scopesOf } from './conditions';
import { kindMethod } from './methods';
import { curveEvaluations } from './metrics';
import { overSeeds, type SeedValue } from './over-seeds';
import type { Curve, CurvePoint, CurveSummary } from './summary-types';
import { groupByMethod } from './table-summary';

type StepValue = SeedValue & { step: number };

/** Values by step, spread over seeds; steps at which no seed has all conditions are left out. */
function byStep(values: readonly StepValue[], scope: Scope): CurvePoint[] {
  const steps = new Map<number, StepValue[]>();
  for (const one of values) steps.set(one.step, [...(steps.get(one.step) ?? []), one]);
  return [...steps]
    .sort(([a], [b]) => a - b)
    .map(([step, members]) => ({ step, value: overSeeds(members, scope) }))
    .filter(({ value }) => value.count + value.notFinite > 0);
}

const fidValues = (cells: readonly CellResult[]): StepValue[] =>
  cells.flatMap((cell) => curveEvaluations(cell).map(({ step, fid }) => ({ ...cell, step, value: fid })));

/** Validation losses of the training log; of the evaluations where the log has none. */
function validationValues(cells: readonly CellResult[]): StepValue[] {
  return cells.flatMap((cell) => {
    const logged = cell.losses.flatMap(({ step, validation }) =>
      validation === undefined ? [] : [{ ...cell, step, value: validation }],
    );
    if (logged.length > 0) return logged;
    return curveEvaluations(cell).flatMap(({ step, validationLoss }) =>
      validationLoss === undefined ? [] : [{ ...cell, step, value: validationLoss }],
    );
  });
}

/** The first step at which a curve's mean is at or below a value. */
function firstAtOrBelow(curve: readonly CurvePoint[], goal: number | null | undefined): number | null {
  if (goal === null || goal === undefined) return null;
  return curve.find(({ value }) => value.mean !== null && value.mean <= goal)?.step ?? null;
}

function curvesOf(cells: readonly CellResult[], scope: Scope): Curve[] {
  const kind = byStep(fidValues(cells.filter(({ method }) => method === kindMethod)), scope);
  return groupByMethod(cells).map(([method, members]) => {
    const fid = byStep(fidValues(members), scope);
    return {
      method,
      fid,
      validation: byStep(validationValues(members), scope),
      kindIsAsGoodAt: firstAtOrBelow(kind, fid.at(-1)?.value.mean),
      asGoodAsKindAt: firstAtOrBelow(fid, kind.at(-1)?.value.mean),
    };
  });
}

/** Curves over steps under every condition, and the mean ones over conditions of as many steps. */
export function curveSummaries(cells: readonly CellResult[]): CurveSummary[] {
  return scopesOf(cells)
    .filter(({ conditions }) => new Set(conditions.map(({ steps }) => steps)).size === 1)
    .map((scope) => {
      const keys = new Set(scope.conditions.map(conditionKey));
      const own = cells.filter((cell) => keys.has(conditionKey(cell)));
      return { title: scope.title, conditions: scope.conditions, curves: curvesOf(own, scope) };
    });
}
