import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BaseJob,
  baseIsDone,
  baseKey,
  baseSteps,
  baseSweepKey,
  denseStart,
  sweepSteps,
  sweptBase,
} from '../plan/bases';
import {
  type BudgetJob,
  baseOf,
  budgetBase,
  budgetKey,
  type CellJob,
  cellKey,
  type Job,
  listBudgets,
  listCells,
  specOf,
  tuningKey,
  tuningTask,
} from '../plan/jobs';
import { fingerprint, slug } from '../plan/keys';
import type { Plan } from '../plan/plan';
import { classifierIsDone, classifierKey } from '../score/scoring';

/** A piece of work with what must be done before it. */
export interface Node {
  job: Job;
  /** Keys of other nodes. */
  needs: string[];
  /** What it takes, roughly: passes of one picture through the network. */
  cost: number;
}

/** All work of a plan by key, in an order in which needs come first. */
export type Graph = Map<string, Node>;

/** A backward pass costs about two forward passes. */
const trainingPasses = 3;

/** The cell of the table of equal parameters that has the very same numbers; undefined where a table changes them. */
export function twinOf(cell: CellJob): CellJob | undefined {
  return cell.table === 'macs' && cell.macsRank === undefined ? { ...cell, table: 'parameters' } : undefined;
}

class Builder {
  readonly graph: Graph = new Map();
  constructor(private readonly plan: Plan) {}

  private add(job: Job, needs: string[], cost: number): string {
    if (!this.graph.has(job.key)) this.graph.set(job.key, { job, needs: [...new Set(needs)], cost });
    return job.key;
  }

  data(dataset: string): string {
    const key = slug('data', dataset, fingerprint(this.plan.datasets[dataset]));
    return this.add({ kind: 'data', key, dataset }, [], 1000);
  }

  classifiers(dataset: string): string[] {
    const { steps, batchSize } = this.plan.classifier;
    const needs = [this.data(dataset)];
    return (['features', 'judge'] as const).map((role) => {
      const key = classifierKey(this.plan, dataset, role);
      return this.add({ kind: 'classifier', key, dataset, role }, needs, (steps * batchSize * trainingPasses) / 4);
    });
  }

  base(base: BaseJob): string {
    const { learningRates, batchSize } = this.plan.pretraining;
    const needs = [this.data(base.dataset)];
    const passes = (count: number) => count * batchSize * trainingPasses;
    if (learningRates.length > 1) {
      const { seed: _, ...own } = base;
      const every = sweptBase(this.plan, own);
      const key = baseSweepKey(this.plan, every);
      const cost = passes(sweepSteps(this.plan, every.spec) * learningRates.length);
      needs.push(this.add({ kind: 'base-sweep', key, base: every }, [this.data(base.dataset)], cost));
    }
    const dense = denseStart(this.plan, base);
    if (dense) needs.push(this.base(dense));
    return this.add(
      { kind: 'base', key: baseKey(this.plan, base), base },
      needs,
      passes(baseSteps(this.plan, base.spec)),
    );
  }

  /** The passes of sampling `count` pictures in every mode of guidance. */
  private sampling(count: number, passes: number): number {
    return count * this.plan.evaluation.samplingSteps * passes;
  }

  tuning(task: string, cell: Pick<CellJob, 'method' | 'macsRank'>): string {
    const { tuning, transfer, tasks, seeds } = this.plan;
    const { method, macsRank } = cell;
    const job = { task, method, ...(macsRank !== undefined && { macsRank }) };
    const spec = specOf(this.plan, cell);
    const needs = this.classifiers(tasks[task].dataset);
    if (spec.form.kind !== 'scratch') needs.push(this.base(baseOf(tasks[task], spec.base, seeds[0])));
    const samples = tuning.samplesPerClass * tasks[task].tuning.length;
    const training = tuning.steps * transfer.batchSize * trainingPasses;
    const cost =
      tuning.learningRates.length * (training + this.sampling(samples, 5)) +
      this.sampling(samples, 4 * tuning.scales.length);
    return this.add({ kind: 'tuning', key: tuningKey(this.plan, job), tuning: job }, needs, cost);
  }

  cell(cell: CellJob, twins: ReadonlySet<string>): string {
    const { tasks, transfer, evaluation } = this.plan;
    const task = tasks[cell.task];
    const spec = specOf(this.plan, cell);
    const key = cellKey(this.plan, cell);
    const twin = twinOf(cell);
    if (twin !== undefined && twins.has(cellKey(this.plan, twin))) {
      return this.add({ kind: 'cell', key, cell }, [this.cell(twin, twins)], 1);
    }
    const needs = [this.tuning(tuningTask(this.plan, cell.task), cell)];
    if (spec.form.kind !== 'scratch') needs.push(this.base(baseOf(task, spec.base, cell.seed)));
    needs.push(...this.classifiers(task.dataset));
    const { samplesPerClass, curve, curveSamplesPerClass = samplesPerClass } = evaluation;
    const cost =
      cell.steps * transfer.batchSize * trainingPasses +
      this.sampling(task.novel.length * samplesPerClass, 5) +
      this.sampling(task.novel.length * curveSamplesPerClass * curve.length, 2);
    return this.add({ kind: 'cell', key, cell }, needs, cost);
  }

  budget(budget: BudgetJob): string {
    const { dataset, pretraining } = this.plan.tasks[budget.task];
    const needs = [...this.classifiers(dataset), this.base(budgetBase(this.plan, budget))];
    const cost = this.sampling(pretraining.length * this.plan.evaluation.samplesPerClass, 2);
    return this.add({ kind: 'budget', key: budgetKey(this.plan, budget), budget }, needs, cost);
  }

  build(only?: readonly string[]): Graph {
    const keys = new Set(listCells(this.plan, only).map((cell) => cellKey(this.plan, cell)));
    // Row by row, for the work of a plan is done in the order of its rows.
    for (const row of this.plan.grids) {
      const rowPlan = { ...this.plan, grids: [row] };
      for (const cell of listCells(rowPlan, only)) this.cell(cell, keys);
      for (const budget of listBudgets(rowPlan, only)) this.budget(budget);
    }
    return this.graph;
  }
}

/** The work of a plan; `only` keeps the cells of some methods and what they need. */
export function buildGraph(plan: Plan, only?: readonly string[]): Graph {
  return new Builder(plan).build(only);
}

/** Whether a piece of work has left its result. */
export function isDone(out: string, { kind, key }: Pick<Job, 'kind' | 'key'>): boolean {
  switch (kind) {
    case 'data':
      return existsSync(join(out, 'data', `${key.slice('data-'.length)}.safetensors`));
    case 'classifier':
      return classifierIsDone(out, key);
    case 'base':
      return baseIsDone(out, key);
    case 'base-sweep':
    case 'tuning':
      return existsSync(join(out, 'tuning', `${key}.json`));
    case 'cell':
    case 'budget':
      return existsSync(join(out, 'cells', key, 'result.json'));
    default:
      throw new Error(`job: unknown kind ${String(kind satisfies never)}`);
  }
}
