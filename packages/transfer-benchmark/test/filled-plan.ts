import { type BenchmarkPlan, type BenchmarkPlanInput, parsePlan } from '../src/plan/benchmark-plan';

/** A plan as `withAutoencoders` leaves it, with a hash that no autoencoder has: keys need one, and no weights. */
export function filledPlan(input: BenchmarkPlanInput): BenchmarkPlan {
  const plan = parsePlan(input, 'plan');
  const tasks = Object.entries(plan.tasks).map(([key, task]) => {
    const { autoencoder } = task;
    if (autoencoder === undefined) return [key, task];
    return [key, { ...task, autoencoder: { ...autoencoder, hash: 'c'.repeat(64), scalingFactor: 1, shiftFactor: 0 } }];
  });
  return { ...plan, tasks: Object.fromEntries(tasks) };
}
