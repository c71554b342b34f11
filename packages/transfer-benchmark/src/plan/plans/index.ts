import type { PlanInput } from '../plan';
import { fullPlan } from './full';
import { quickPlan } from './quick';
import { smokePlan } from './smoke';

/** The plans that come with the command. */
export const plans: Record<'smoke' | 'quick' | 'full', PlanInput> = {
  smoke: smokePlan,
  quick: quickPlan,
  full: fullPlan,
};
