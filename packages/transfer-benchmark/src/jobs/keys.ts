import { type BaseSpec, specName } from '../plan/base-spec';
import type { BenchmarkPlan, DatasetPlan, Task } from '../plan/benchmark-plan';
import { fingerprint, slug } from '../plan/keys';
import type { MethodSpec } from '../plan/methods';
import { specInKey, tableInKey } from '../plan/old-formats';
import type { BudgetId, ClassifierRole, TrialId, TuningJob } from './job';

/** What tells bases apart besides their seed. */
export interface BaseId {
  spec: BaseSpec;
  dataset: string;
  classes: readonly string[];
}

/** The part of a base's key that does not depend on the seed. */
function baseInputs(plan: BenchmarkPlan, { spec, dataset, classes }: BaseId): unknown {
  const { labelDropout, patchSize, hiddenSize, depth, heads } = plan.model;
  return [
    specInKey(spec),
    plan.datasets[dataset],
    classes,
    { labelDropout, patchSize, hiddenSize, depth, heads },
    plan.pretraining,
  ];
}

/** The key of a packed dataset. */
export function dataKey(name: string, source: DatasetPlan): string {
  return slug('data', name, fingerprint(source));
}

/** The key of a base. */
export function baseKey(plan: BenchmarkPlan, base: BaseId, seed: number): string {
  return slug(base.dataset, specName(base.spec), `s${seed}`, fingerprint(baseInputs(plan, base)));
}

/** The key of the choice of a base's learning rate. */
export function learningRateKey(plan: BenchmarkPlan, swept: BaseId): string {
  return slug('base', swept.dataset, specName(swept.spec), fingerprint(baseInputs(plan, swept)));
}

/** The key of a classifier. */
export function classifierKey(
  plan: BenchmarkPlan,
  dataset: string,
  { role, classes }: { role: ClassifierRole; classes: readonly string[] },
): string {
  // Keys keep the words of format 1 (plan/old-formats.ts).
  const inputs = [plan.datasets[dataset], classes, plan.classifier];
  return slug(dataset, role === 'accuracy' ? 'judge' : role, fingerprint(inputs));
}

/** The base that a method of a task stands on. */
export function baseOf(task: Task, spec: BaseSpec): BaseId {
  return { spec, dataset: task.pretrainingDataset ?? task.dataset, classes: task.pretraining };
}

/** What a method depends on, whatever the task's novel classes. */
function methodInputs(plan: BenchmarkPlan, task: Task, spec: MethodSpec): unknown {
  return [
    baseKey(plan, baseOf(task, spec.base), plan.seeds[0]),
    { ...spec, base: specInKey(spec.base) },
    plan.datasets[task.dataset],
    plan.transfer,
    plan.classifier,
  ];
}

/** The key of the choice of a method's learning rate and guidance. */
export function tuningKey(
  plan: BenchmarkPlan,
  { task, method, macsRank }: Pick<TuningJob, 'task' | 'method' | 'macsRank'>,
  spec: MethodSpec,
): string {
  const own = plan.tasks[task];
  const { sampler, samplingSteps } = plan.evaluation;
  const inputs = [methodInputs(plan, own, spec), own.tuning, own.novel.length, plan.tuning, sampler, samplingSteps];
  return slug(task, method, ...(macsRank === undefined ? [] : ['macs']), fingerprint(inputs));
}

/** The key of a trial. */
export function trialKey(
  plan: BenchmarkPlan,
  trial: TrialId,
  { spec, tunedBy }: { spec: MethodSpec; tunedBy: string },
): string {
  const task = plan.tasks[trial.task];
  const table = tableInKey(trial.table);
  const inputs = [methodInputs(plan, task, spec), task, { ...trial, table }, tunedBy, plan.evaluation];
  const { method, imagesPerClass, steps, seed } = trial;
  return slug(trial.task, method, table, `n${imagesPerClass}`, `t${steps}`, `s${seed}`, fingerprint(inputs));
}

/** The key of a model within a budget. */
export function budgetKey(plan: BenchmarkPlan, budget: BudgetId, base: string): string {
  const { task, method, size, seed } = budget;
  const inputs = [
    plan.tasks[task],
    plan.datasets,
    plan.model,
    plan.pretraining,
    plan.evaluation,
    plan.classifier,
    budget,
    base,
  ];
  return slug(task, method, 'budget', size, `s${seed}`, fingerprint(inputs));
}
