import type { BenchmarkPlanInput } from '../benchmark-plan';
import { fullPlan } from './full';
import { QUICK_PLAN } from './quick';
import { smokePlan } from './smoke';

/** The benchmark plans that come with the package. */
export const benchmarkPlans: Record<'smoke' | 'quick' | 'full', BenchmarkPlanInput> = {
  smoke: smokePlan,
  quick: QUICK_PLAN,
  full: fullPlan,
};
