import { type BaseJob, type BaseSpec, baseKey } from './bases';
import { fingerprint, slug } from './keys';
import { equalMacsRank, type MethodSpec, methodSpec } from './methods';
import { type AblationName, ablations, type BudgetMethod, budgetMethods, type MethodName } from './names';
import type { Plan, Task } from './plan';
import type { CellTable } from './result';

/** A cell of the grid. */
export interface CellJob {
  table: CellTable;
  group?: string;
  task: string;
  method: MethodName | AblationName;
  imagesPerClass: number;
  steps: number;
  seed: number;
  /** N_G + N_t of factored models in the table of equal MACs. */
  macsRank?: number;
}

/** The choice of a learning rate and of guidance for a method on the tuning classes of a task. */
export interface TuningJob {
  task: string;
  method: MethodName | AblationName;
  macsRank?: number;
}

/** Pre-training classes drawn at one budget. */
export interface BudgetJob {
  task: string;
  method: BudgetMethod;
  /** Part of the bundle's components, or the width of a small model. */
  size: number;
  seed: number;
}

/** One piece of work; each has a key, which names its files. */
export type Job =
  | { kind: 'data'; key: string; dataset: string }
  | { kind: 'classifier'; key: string; dataset: string; role: 'features' | 'judge' }
  | { kind: 'base-sweep'; key: string; base: Omit<BaseJob, 'seed'> }
  | { kind: 'base'; key: string; base: BaseJob }
  | { kind: 'tuning'; key: string; tuning: TuningJob }
  | { kind: 'cell'; key: string; cell: CellJob }
  | { kind: 'budget'; key: string; budget: BudgetJob };

/** The task whose tuning classes choose for a task. */
export function tuningTask(plan: Plan, task: string): string {
  return plan.tasks[task].tuneAs ?? task;
}

/** The method of a cell or a tuning. */
export function specOf(plan: Plan, { method, macsRank }: Pick<CellJob, 'method' | 'macsRank'>): MethodSpec {
  return methodSpec(method, plan, { macsRank });
}

/** The base model that a specification of a task stands on. */
export function baseOf(task: Task, spec: BaseSpec, seed: number): BaseJob {
  return { spec, dataset: task.pretrainingDataset ?? task.dataset, classes: task.pretraining, seed };
}

/** What a method depends on, whatever the task's classes. */
function specInputs(plan: Plan, task: Task, spec: MethodSpec): unknown {
  return [
    baseKey(plan, baseOf(task, spec.base, plan.seeds[0])),
    spec,
    plan.datasets[task.dataset],
    plan.transfer,
    plan.classifier,
  ];
}

/** The file's name of what was chosen for a method. */
export function tuningKey(plan: Plan, { task, method, macsRank }: TuningJob): string {
  const own = plan.tasks[task];
  const spec = specOf(plan, { method, macsRank });
  const { sampler, samplingSteps } = plan.evaluation;
  const inputs = [specInputs(plan, own, spec), own.tuning, own.novel.length, plan.tuning, sampler, samplingSteps];
  return slug(task, method, ...(macsRank === undefined ? [] : ['macs']), fingerprint(inputs));
}

/** The folder's name of a cell. */
export function cellKey(plan: Plan, cell: CellJob): string {
  const task = plan.tasks[cell.task];
  const tuned = tuningKey(plan, { task: tuningTask(plan, cell.task), method: cell.method, macsRank: cell.macsRank });
  const inputs = [specInputs(plan, task, specOf(plan, cell)), task, cell, tuned, plan.evaluation];
  const { table, method, imagesPerClass, steps, seed } = cell;
  return slug(cell.task, method, table, `n${imagesPerClass}`, `t${steps}`, `s${seed}`, fingerprint(inputs));
}

/** The folder's name of a model at a budget. */
export function budgetKey(plan: Plan, budget: BudgetJob): string {
  const { task, method, size, seed } = budget;
  const inputs = [
    plan.tasks[task],
    plan.datasets,
    plan.model,
    plan.pretraining,
    plan.evaluation,
    plan.classifier,
    budget,
    baseKey(plan, budgetBase(plan, budget)),
  ];
  return slug(task, method, 'budget', size, `s${seed}`, fingerprint(inputs));
}

/** N_G + N_t of the table of equal MACs; undefined in the others. */
function macsRankOf(plan: Plan, table: CellTable): number | undefined {
  if (table !== 'macs') return undefined;
  if (plan.model.macsRank !== undefined) return plan.model.macsRank;
  const { hiddenSize, depth, heads } = plan.model;
  return equalMacsRank({ hiddenSize, depth, heads, mlpRatio: 4, inputSize: 4, patchSize: 4 } as never);
}

/** All cells of a plan but those of budgets; `only` keeps some methods. */
export function listCells(plan: Plan, only?: readonly string[]): CellJob[] {
  return plan.grids.flatMap(({ table, tasks, methods, imagesPerClass, steps, seeds = plan.seeds }) => {
    if (table === 'budget') return [];
    const rank = macsRankOf(plan, table);
    return tasks.flatMap((task) =>
      methods
        .filter((method) => only === undefined || only.includes(method))
        .flatMap((name) => {
          const method = name as CellJob['method'];
          const macsRank = rank !== undefined && methodSpec(method, plan).form.kind === 'tailors' ? rank : undefined;
          const group = Object.hasOwn(ablations, method) ? ablations[method as AblationName] : undefined;
          return imagesPerClass.flatMap((images) =>
            steps.flatMap((budget) =>
              seeds.map(
                (seed): CellJob => ({
                  table,
                  ...(group !== undefined && { group }),
                  task,
                  method,
                  imagesPerClass: images,
                  steps: budget,
                  seed,
                  ...(macsRank !== undefined && { macsRank }),
                }),
              ),
            ),
          );
        }),
    );
  });
}

/** All models at budgets. */
export function listBudgets(plan: Plan, only?: readonly string[]): BudgetJob[] {
  const { budgets } = plan;
  if (budgets === undefined) return [];
  return plan.grids
    .filter(({ table }) => table === 'budget')
    .flatMap(({ tasks, methods, seeds = plan.seeds }) =>
      tasks.flatMap((task) =>
        budgetMethods
          .filter((method) => methods.includes(method) && (only === undefined || only.includes(method)))
          .flatMap((method) =>
            (method === 'small' ? budgets.smallWidths : budgets.fractions).flatMap((size) =>
              seeds.map((seed) => ({ task, method, size, seed })),
            ),
          ),
      ),
    );
}

/** The pre-trained model that a budget cuts, or the small one itself. */
export function budgetBase(plan: Plan, { task, method, size, seed }: BudgetJob): BaseJob {
  const kind = methodSpec('kind', plan).base;
  const dense: BaseSpec = { form: 'dense', hiddenSize: method === 'small' ? size : plan.model.hiddenSize };
  const { dataset, pretraining } = plan.tasks[task];
  return { spec: method.startsWith('bundle-cut') ? kind : dense, dataset, classes: pretraining, seed };
}
