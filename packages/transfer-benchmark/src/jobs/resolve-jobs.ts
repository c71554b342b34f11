import { type FilledAutoencoder, filledAutoencoder } from '../plan/autoencoders';
import { baseSteps, denseStart, sweepSteps, sweptSpec } from '../plan/base-spec';
import type { BenchmarkPlan } from '../plan/benchmark-plan';
import { checkGivenPlan } from '../plan/check-given-plan';
import { type MethodSpec, methodSpec } from '../plan/methods';
import { datasetInput, evaluatorInput } from './inputs';
import type { BaseInput, BaseModel, BudgetId, Job, Jobs, LatentsJob, TransferInput, TrialId, TuningJob } from './job';
import {
  type BaseId,
  baseKey,
  baseOf,
  budgetKey,
  dataKey,
  learningRateKey,
  modelOf,
  trialKey,
  tuningKey,
} from './keys';
import { listBudgets, listTrials } from './list-trials';

/** A backward pass costs about two forward passes. */
const TRAINING_PASSES = 3;

/** An estimate of the work of encoding images, of which nobody knows how many there are before they are opened. */
const ENCODING_COST = 5000;

class Resolver {
  readonly jobs = new Map<string, Job>();
  readonly #plan: BenchmarkPlan;
  /** Keys of all trials of the plan. */
  readonly #trials: ReadonlySet<string>;

  constructor(plan: BenchmarkPlan) {
    this.#plan = plan;
    const trials = plan.sweeps.flatMap((sweep) => listTrials(plan, sweep));
    this.#trials = new Set(trials.map((trial) => this.#trialKey(trial)));
  }

  #add(job: Job): string {
    if (!this.jobs.has(job.key)) this.jobs.set(job.key, { ...job, needs: [...new Set(job.needs)] });
    return job.key;
  }

  /** The autoencoder of a task. */
  #autoencoder(task: string): FilledAutoencoder | undefined {
    return filledAutoencoder(task, this.#plan.tasks[task]);
  }

  #data(name: string): string {
    const dataset = datasetInput(this.#plan, name);
    return this.#add({ kind: 'data', key: dataKey(name, dataset.source), needs: [], cost: 1000, dataset });
  }

  /** The images that models are trained on: their latents too where they work in latents. */
  #samples(name: string, autoencoder: FilledAutoencoder | undefined): string[] {
    const data = this.#data(name);
    if (autoencoder === undefined) return [data];
    const dataset = datasetInput(this.#plan, name, autoencoder) as LatentsJob['dataset'];
    const { key } = dataset.latents;
    return [data, this.#add({ kind: 'latents', key, needs: [data], cost: ENCODING_COST, dataset })];
  }

  #classifiers(name: string): string[] {
    const { steps, batchSize } = this.#plan.classifier;
    const evaluator = evaluatorInput(this.#plan, name);
    const needs = [this.#data(name)];
    const cost = (steps * batchSize * TRAINING_PASSES) / 4;
    return (['features', 'accuracy'] as const).map((role) =>
      this.#add({ kind: 'classifier', key: evaluator.keys[role], needs, cost, role, evaluator, steps, batchSize }),
    );
  }

  #baseModel(id: BaseId, seed: number): BaseModel {
    const { pretraining, evaluation } = this.#plan;
    const { spec, dataset, classes, autoencoder } = id;
    const model = modelOf(this.#plan, id);
    const start = denseStart(model, spec);
    return {
      spec,
      dataset: datasetInput(this.#plan, dataset, autoencoder),
      classes,
      seed,
      model,
      pretraining,
      steps: baseSteps(pretraining, spec),
      validationPerClass: evaluation.validationPerClass,
      ...(start && { start: this.#baseInput({ ...id, spec: start }, seed) }),
    };
  }

  #baseInput(id: BaseId, seed: number): BaseInput {
    return { key: baseKey(this.#plan, id, seed), ...this.#baseModel(id, seed) };
  }

  /** The choice of a base's learning rate. */
  #learningRate(id: BaseId): string {
    const { pretraining, model, tuning } = this.#plan;
    const swept = { ...id, spec: sweptSpec(model, id.spec) };
    const steps = sweepSteps(pretraining, swept.spec);
    const { learningRates } = pretraining;
    return this.#add({
      kind: 'learning-rate',
      key: learningRateKey(this.#plan, swept),
      needs: this.#samples(id.dataset, id.autoencoder),
      cost: steps * pretraining.batchSize * TRAINING_PASSES * learningRates.length,
      base: { ...this.#baseModel(swept, tuning.seed), steps },
      learningRates,
    });
  }

  #base(id: BaseId, seed: number): string {
    const { learningRates, batchSize } = this.#plan.pretraining;
    const base = this.#baseInput(id, seed);
    const needs = this.#samples(id.dataset, id.autoencoder);
    const chosenBy = learningRates.length > 1 ? this.#learningRate(id) : undefined;
    if (chosenBy !== undefined) needs.push(chosenBy);
    if (base.start) needs.push(this.#base({ ...id, spec: base.start.spec }, seed));
    return this.#add({
      kind: 'base',
      key: base.key,
      needs,
      cost: base.steps * batchSize * TRAINING_PASSES,
      base,
      learningRate: chosenBy === undefined ? learningRates[0] : { chosenBy },
    });
  }

  /** The passes of sampling `count` images, where each takes so many passes a step: two where it is guided. */
  #sampling(count: number, passes: number): number {
    return count * this.#plan.evaluation.samplingSteps * passes;
  }

  /** The jobs that every transfer of a method of a task needs. */
  #transferNeeds(task: string, { spec, base, dataset }: TransferInput): string[] {
    const id = baseOf(this.#plan, task, base.spec);
    return [
      ...this.#classifiers(dataset.name),
      ...(dataset.latents === undefined ? [] : this.#samples(dataset.name, dataset.latents.autoencoder)),
      ...(spec.form.kind === 'scratch' ? [] : [this.#base(id, base.seed)]),
    ];
  }

  #spec({ method, macsRank }: Pick<TrialId, 'method' | 'macsRank'>): MethodSpec {
    return methodSpec(method, this.#plan.model, { macsRank });
  }

  #tuningId({ task, method, macsRank }: TrialId): Pick<TuningJob, 'task' | 'method' | 'macsRank'> {
    const chooser = this.#plan.tasks[task].tuneAs ?? task;
    return { task: chooser, method, ...(macsRank !== undefined && { macsRank }) };
  }

  #tuning(trial: TrialId): string {
    const { tuning, transfer, tasks, seeds, evaluation } = this.#plan;
    const id = this.#tuningId(trial);
    const spec = this.#spec(trial);
    const task = tasks[id.task];
    const input: TransferInput = {
      spec,
      base: this.#baseInput(baseOf(this.#plan, id.task, spec.base), seeds[0]),
      dataset: datasetInput(this.#plan, task.dataset, this.#autoencoder(id.task)),
      classes: task.tuning,
      matchFor: task.novel.length,
      imagesPerClass: tuning.imagesPerClass,
      steps: tuning.steps,
      seed: tuning.seed,
      transfer,
    };
    const samples = tuning.samplesPerClass * task.tuning.length;
    const training = tuning.steps * transfer.batchSize * TRAINING_PASSES;
    return this.#add({
      kind: 'tuning',
      key: tuningKey(this.#plan, id, spec),
      needs: this.#transferNeeds(id.task, input),
      cost:
        tuning.learningRates.length * (training + this.#sampling(samples, 5)) +
        this.#sampling(samples, 4 * tuning.scales.length),
      ...id,
      transfer: input,
      tuning,
      evaluation,
      evaluator: evaluatorInput(this.#plan, task.dataset),
    });
  }

  #trialKey(trial: TrialId): string {
    const spec = this.#spec(trial);
    return trialKey(this.#plan, trial, { spec, tunedBy: tuningKey(this.#plan, this.#tuningId(trial), spec) });
  }

  /** The trial of the iso-parameters table with the very same numbers, where the plan has it. */
  #sameTrial(trial: TrialId): TrialId | undefined {
    if (trial.table !== 'iso-macs' || trial.macsRank !== undefined) return undefined;
    const same: TrialId = { ...trial, table: 'iso-parameters' };
    return this.#trials.has(this.#trialKey(same)) ? same : undefined;
  }

  trial(trial: TrialId): string {
    const { tasks, transfer, evaluation } = this.#plan;
    const task = tasks[trial.task];
    const { imagesPerClass, steps, seed } = trial;
    const spec = this.#spec(trial);
    const input: TransferInput = {
      spec,
      base: this.#baseInput(baseOf(this.#plan, trial.task, spec.base), seed),
      dataset: datasetInput(this.#plan, task.dataset, this.#autoencoder(trial.task)),
      classes: task.novel,
      matchFor: task.novel.length,
      imagesPerClass,
      steps,
      seed,
      transfer,
    };
    const same = this.#sameTrial(trial);
    const sharedResult = same && this.trial(same);
    const tunedBy = sharedResult === undefined ? this.#tuning(trial) : this.#tuningKeyOf(trial, spec);
    const { samplesPerClass, curve, curveSamplesPerClass = samplesPerClass } = evaluation;
    const cost =
      steps * transfer.batchSize * TRAINING_PASSES +
      this.#sampling(task.novel.length * samplesPerClass, 5) +
      this.#sampling(task.novel.length * curveSamplesPerClass * curve.length, 2);
    return this.#add({
      kind: 'trial',
      key: this.#trialKey(trial),
      needs: sharedResult === undefined ? [tunedBy, ...this.#transferNeeds(trial.task, input)] : [sharedResult],
      cost: sharedResult === undefined ? cost : 1,
      trial,
      transfer: input,
      tunedBy,
      evaluation,
      evaluator: evaluatorInput(this.#plan, task.dataset),
      ...(sharedResult !== undefined && { sharedResult }),
    });
  }

  #tuningKeyOf(trial: TrialId, spec: MethodSpec): string {
    return tuningKey(this.#plan, this.#tuningId(trial), spec);
  }

  budget(budget: BudgetId): string {
    const { tasks, model, tuning, evaluation } = this.#plan;
    const { dataset, pretraining: classes } = tasks[budget.task];
    const hiddenSize = budget.method === 'small' ? budget.size : model.hiddenSize;
    const bundle = budget.method.startsWith('bundle-cut');
    const spec = bundle ? this.#spec({ method: 'kind' }).base : ({ form: 'dense', hiddenSize } as const);
    const id = baseOf(this.#plan, budget.task, spec);
    const base = this.#baseInput(id, budget.seed);
    return this.#add({
      kind: 'budget',
      key: budgetKey(this.#plan, budget, base.key),
      needs: [...this.#classifiers(dataset), this.#base(id, budget.seed)],
      cost: this.#sampling(classes.length * evaluation.samplesPerClass, 2),
      budget,
      base,
      guidanceScale: tuning.screenScale,
      evaluation,
      evaluator: evaluatorInput(this.#plan, dataset),
    });
  }
}

/**
 * All jobs of a plan, each with its inputs, in an order in which jobs come after those that they need. Sweeps are resolved
 * in the order of the plan, so the jobs of its first sweeps come first.
 *
 * @throws ConfigError and RangeError for a plan that is not one of `parsePlan`, one with tasks in latents that has not been
 *   through `withAutoencoders`, and a second argument: there are no options
 */
export function resolveJobs(plan: BenchmarkPlan, ...more: never[]): Jobs {
  if (more.length > 0) throw new RangeError(`resolveJobs: expected 1 argument, got ${1 + more.length}`);
  checkGivenPlan('resolveJobs', plan);
  const resolver = new Resolver(plan);
  for (const sweep of plan.sweeps) {
    for (const trial of listTrials(plan, sweep)) resolver.trial(trial);
    for (const budget of listBudgets(plan, sweep)) resolver.budget(budget);
  }
  return resolver.jobs;
}
