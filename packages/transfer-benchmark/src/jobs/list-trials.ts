import type { BenchmarkPlan, Sweep } from '../plan/benchmark-plan';
import { equalMacsRank, methodSpec } from '../plan/methods';
import { ABLATIONS, type AblationName, BUDGET_METHODS } from '../plan/names';
import type { BudgetId, TrialId } from './job';

/** N_G + N_t of the factored models of a sweep; undefined where it is that of the plan's model. */
function macsRankOf({ model }: BenchmarkPlan, { table }: Sweep): number | undefined {
  if (table !== 'iso-macs') return undefined;
  if (model.macsRank !== undefined) return model.macsRank;
  const { hiddenSize, depth, heads } = model;
  return equalMacsRank({ hiddenSize, depth, heads, mlpRatio: 4, inputSize: 4, patchSize: 4 } as never);
}

/** The trials of a sweep. */
export function listTrials(plan: BenchmarkPlan, sweep: Sweep): TrialId[] {
  const { table, tasks, methods, imagesPerClass, steps, seeds = plan.seeds } = sweep;
  if (table === 'budget') return [];
  const rank = macsRankOf(plan, sweep);
  const variants = methods.map((name) => {
    const method = name as TrialId['method'];
    const factored = methodSpec(method, plan.model).form.kind === 'tailors';
    const group = Object.hasOwn(ABLATIONS, method) ? ABLATIONS[method as AblationName] : undefined;
    return { method, group, macsRank: factored ? rank : undefined };
  });
  return tasks.flatMap((task) =>
    variants.flatMap(({ method, group, macsRank }) =>
      imagesPerClass.flatMap((images) =>
        steps.flatMap((count) =>
          seeds.map(
            (seed): TrialId => ({
              table,
              ...(group !== undefined && { group }),
              task,
              method,
              imagesPerClass: images,
              steps: count,
              seed,
              ...(macsRank !== undefined && { macsRank }),
            }),
          ),
        ),
      ),
    ),
  );
}

/** The models within a budget of a sweep. */
export function listBudgets(plan: BenchmarkPlan, { table, tasks, methods, seeds = plan.seeds }: Sweep): BudgetId[] {
  const { budgets } = plan;
  if (budgets === undefined || table !== 'budget') return [];
  return tasks.flatMap((task) =>
    BUDGET_METHODS.filter((method) => methods.includes(method)).flatMap((method) =>
      (method === 'small' ? budgets.smallWidths : budgets.fractions).flatMap((size) =>
        seeds.map((seed) => ({ task, method, size, seed })),
      ),
    ),
  );
}
