import { autoencoderInKey, type FilledAutoencoder, filledAutoencoder } from '../plan/autoencoders';
import { type BaseSpec, specName } from '../plan/base-spec';
import type { BenchmarkPlan, DatasetPlan, ModelPlan, Task } from '../plan/benchmark-plan';
import { fingerprint, slug } from '../plan/keys';
import type { MethodSpec } from '../plan/methods';
import { specInKey, tableInKey } from '../plan/old-formats';
import type { BudgetId, ClassifierRole, TrialId, TuningJob } from './job';

/** What tells bases apart besides their seed. */
export interface BaseId {
  spec: BaseSpec;
  dataset: string;
  classes: readonly string[];
  /** The autoencoder in whose latents it works; it works in pixels without one. */
  autoencoder?: FilledAutoencoder;
  /** Side of a patch, where it is not that of the plan's model. */
  patchSize?: number;
}

/** The sizes of the models of a base: those of the plan, with patches of its own. */
export function modelOf({ model }: BenchmarkPlan, { patchSize }: Pick<BaseId, 'patchSize'>): ModelPlan {
  return patchSize === undefined ? model : { ...model, patchSize };
}

/** The part of a base's key that does not depend on the seed. */
function baseInputs(plan: BenchmarkPlan, { spec, dataset, classes, autoencoder, patchSize: own }: BaseId): unknown {
  const { labelDropout, patchSize, hiddenSize, depth, heads } = modelOf(plan, { patchSize: own });
  return [
    specInKey(spec),
    plan.datasets[dataset],
    classes,
    { labelDropout, patchSize, hiddenSize, depth, heads },
    plan.pretraining,
    ...(autoencoder === undefined ? [] : [autoencoderInKey(autoencoder)]),
  ];
}

/** The readable part of a base's key. */
function baseWords({ dataset, autoencoder, spec }: BaseId): string[] {
  return [dataset, ...(autoencoder === undefined ? [] : ['latents']), specName(spec)];
}

/** The key of a packed dataset. */
export function dataKey(name: string, source: DatasetPlan): string {
  return slug('data', name, fingerprint(source));
}

/** The key of a base. */
export function baseKey(plan: BenchmarkPlan, base: BaseId, seed: number): string {
  return slug(...baseWords(base), `s${seed}`, fingerprint(baseInputs(plan, base)));
}

/** The key of the latents of a dataset: they depend on the images that are encoded and on the weights that encode them. */
export function latentsKey(
  plan: BenchmarkPlan,
  dataset: string,
  { classes, hash }: { classes: readonly string[]; hash: string },
): string {
  return slug('latents', dataset, fingerprint([plan.datasets[dataset], classes, hash]));
}

/** The key of the choice of a base's learning rate. */
export function learningRateKey(plan: BenchmarkPlan, swept: BaseId): string {
  return slug('base', ...baseWords(swept), fingerprint(baseInputs(plan, swept)));
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
export function baseOf(plan: BenchmarkPlan, key: string, spec: BaseSpec): BaseId {
  const task = plan.tasks[key];
  const { dataset, pretrainingDataset = dataset, pretraining: classes, patchSize } = task;
  const autoencoder = filledAutoencoder(key, task);
  return {
    spec,
    dataset: pretrainingDataset,
    classes,
    ...(autoencoder && { autoencoder }),
    ...(patchSize && { patchSize }),
  };
}

/** A task as keys are made of it: of its autoencoder what decides numbers. */
function taskInKey(plan: BenchmarkPlan, key: string): unknown {
  const task = plan.tasks[key];
  const autoencoder = filledAutoencoder(key, task);
  return autoencoder === undefined ? task : { ...task, autoencoder: autoencoderInKey(autoencoder) };
}

/** What a method depends on, whatever the task's novel classes. */
function methodInputs(plan: BenchmarkPlan, task: string, spec: MethodSpec): unknown {
  return [
    baseKey(plan, baseOf(plan, task, spec.base), plan.seeds[0]),
    { ...spec, base: specInKey(spec.base) },
    plan.datasets[plan.tasks[task].dataset],
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
  const inputs = [methodInputs(plan, task, spec), own.tuning, own.novel.length, plan.tuning, sampler, samplingSteps];
  return slug(task, method, ...(macsRank === undefined ? [] : ['macs']), fingerprint(inputs));
}

/** The key of a trial. */
export function trialKey(
  plan: BenchmarkPlan,
  trial: TrialId,
  { spec, tunedBy }: { spec: MethodSpec; tunedBy: string },
): string {
  const task = taskInKey(plan, trial.task);
  const table = tableInKey(trial.table);
  const inputs = [methodInputs(plan, trial.task, spec), task, { ...trial, table }, tunedBy, plan.evaluation];
  const { method, imagesPerClass, steps, seed } = trial;
  return slug(trial.task, method, table, `n${imagesPerClass}`, `t${steps}`, `s${seed}`, fingerprint(inputs));
}

/**
 * The datasets that the key of a model within a budget depends on: all but those of other tasks in latents. Keys of format 1
 * hold all datasets of the plan, and a task in latents that is added beside them must not change them.
 */
function datasetsInKey({ datasets, tasks }: BenchmarkPlan, key: string): Record<string, DatasetPlan> {
  const ofTasks = (chosen: readonly Task[]) =>
    new Set(chosen.flatMap(({ dataset, pretrainingDataset = dataset }) => [dataset, pretrainingDataset]));
  const own = ofTasks([tasks[key], ...Object.values(tasks).filter(({ autoencoder }) => autoencoder === undefined)]);
  const latents = ofTasks(Object.values(tasks).filter(({ autoencoder }) => autoencoder !== undefined));
  return Object.fromEntries(Object.entries(datasets).filter(([name]) => own.has(name) || !latents.has(name)));
}

/** The key of a model within a budget. */
export function budgetKey(plan: BenchmarkPlan, budget: BudgetId, base: string): string {
  const { task, method, size, seed } = budget;
  const inputs = [
    taskInKey(plan, task),
    datasetsInKey(plan, task),
    plan.model,
    plan.pretraining,
    plan.evaluation,
    plan.classifier,
    budget,
    base,
  ];
  return slug(task, method, 'budget', size, `s${seed}`, fingerprint(inputs));
}
