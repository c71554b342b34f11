import { isDeepStrictEqual } from 'node:util';
import { type BenchmarkPlan, parsePlan } from './benchmark-plan';

/**
 * Throws unless `plan` is a whole plan, as `parsePlan` makes it. Without types a misspelt field would be ignored, and a default
 * that is missing would fail far from here.
 *
 * @param of - name of the function, with which the message begins
 * @throws ConfigError as `parsePlan`, RangeError for a plan that lacks defaults
 */
export function checkGivenPlan(of: string, plan: BenchmarkPlan): void {
  if (isDeepStrictEqual(parsePlan(plan, `${of}: plan`), plan)) return;
  throw new RangeError(`${of}: plan: expected one of parsePlan, whose defaults are filled in`);
}
