import type { BenchmarkPlanInput } from '../benchmark-plan';
import { fullPlan } from './full';
import { quickPlan } from './quick';
import { smokePlan } from './smoke';

/** The benchmark plans that come with the package. */
export const benchmarkPlans: Record<'smoke' | 'quick' | 'full', BenchmarkPlanInput> = {
  smoke: smokePlan,
  quick: quickPlan,
  full: fullPlan,
};
