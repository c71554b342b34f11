import type { TrialResult } from '../plan/result';
import { conditionKey, type Scope, scopesOf } from './conditions';
import { KIND_METHOD } from './methods';
import { curveEvaluations } from './metrics';
import { type SeedValue, seedSpread } from './seed-spread';
import type { Curve, CurvePoint, CurveSummary } from './summary-types';
import { groupByMethod } from './table-summary';

type StepValue = SeedValue & { step: number };

/** Values by step, spread over seeds; steps at which no seed has all conditions are left out. */
function byStep(values: readonly StepValue[], scope: Scope): CurvePoint[] {
  const steps = new Map<number, StepValue[]>();
  for (const one of values) steps.set(one.step, [...(steps.get(one.step) ?? []), one]);
  return [...steps]
    .sort(([a], [b]) => a - b)
    .map(([step, members]) => ({ step, value: seedSpread(members, scope) }))
    .filter(({ value }) => value.count + value.notFinite > 0);
}

const fidValues = (trials: readonly TrialResult[]): StepValue[] =>
  trials.flatMap((trial) => curveEvaluations(trial).map(({ step, fid }) => ({ ...trial, step, value: fid })));

/** Validation losses of the training log; of the evaluations where the log has none. */
function validationValues(trials: readonly TrialResult[]): StepValue[] {
  return trials.flatMap((trial) => {
    const logged = trial.losses.flatMap(({ step, validation }) =>
      validation === undefined ? [] : [{ ...trial, step, value: validation }],
    );
    if (logged.length > 0) return logged;
    return curveEvaluations(trial).flatMap(({ step, validationLoss }) =>
      validationLoss === undefined ? [] : [{ ...trial, step, value: validationLoss }],
    );
  });
}

/** The first step at which a curve's mean is at or below a value. */
function firstAtOrBelow(curve: readonly CurvePoint[], goal: number | null | undefined): number | null {
  if (goal === null || goal === undefined) return null;
  return curve.find(({ value }) => value.mean !== null && value.mean <= goal)?.step ?? null;
}

function curvesOf(trials: readonly TrialResult[], scope: Scope): Curve[] {
  const kind = byStep(fidValues(trials.filter(({ method }) => method === KIND_METHOD)), scope);
  return groupByMethod(trials).map(([method, members]) => {
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
export function curveSummaries(trials: readonly TrialResult[]): CurveSummary[] {
  return scopesOf(trials)
    .filter(({ conditions }) => new Set(conditions.map(({ steps }) => steps)).size === 1)
    .map((scope) => {
      const keys = new Set(scope.conditions.map(conditionKey));
      const own = trials.filter((trial) => keys.has(conditionKey(trial)));
      return { title: scope.title, conditions: scope.conditions, curves: curvesOf(own, scope) };
    });
}
