import type { PlanInput } from '../plan';
import { smokePlan } from './smoke';

/** The plans that come with the command. */
export const plans: Record<'smoke' | 'quick' | 'full', PlanInput> = {
  smoke: smokePlan,
  quick: smokePlan,
  full: smokePlan,
};
