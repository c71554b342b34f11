import { ConfigError } from '@learngene/pipeline';
import type { BenchmarkPlan, Sweep, Task } from './benchmark-plan';
import { BUDGET_METHODS } from './names';

/** Says what is wrong with a plan. */
type Refuse = (problem: string) => never;

/** What decides which base models a task has. */
function baseModelsOf(task: Task): string {
  const { dataset, pretrainingDataset = dataset, pretraining, autoencoder, patchSize } = task;
  return JSON.stringify([dataset, pretrainingDataset, pretraining, autoencoder, patchSize]);
}

function checkClasses(plan: BenchmarkPlan, key: string, refuse: Refuse): void {
  const task = plan.tasks[key];
  const sets =
    task.pretrainingDataset === undefined ? [task.pretraining, task.tuning, task.novel] : [task.tuning, task.novel];
  const all = sets.flat();
  const twice = all.find((label, i) => all.indexOf(label) !== i);
  if (twice !== undefined) {
    refuse(`tasks.${key}: ${twice} is in two sets; pre-training, tuning and novel classes must differ`);
  }
  if (task.tuneAs === undefined) return;
  if (!Object.hasOwn(plan.tasks, task.tuneAs)) refuse(`tasks.${key}.tuneAs: unknown task ${task.tuneAs}`);
  const other = plan.tasks[task.tuneAs];
  if (other.tuneAs !== undefined || baseModelsOf(other) !== baseModelsOf(task)) {
    refuse(`tasks.${key}.tuneAs: ${task.tuneAs} has another base model, or takes its choices elsewhere`);
  }
  const leak = task.novel.find((label) => other.tuning.includes(label));
  if (leak !== undefined) refuse(`tasks.${key}: ${leak} is novel here and was tuned on in ${task.tuneAs}`);
}

function checkTask(plan: BenchmarkPlan, key: string, refuse: Refuse): void {
  const { dataset, pretrainingDataset = dataset, autoencoder } = plan.tasks[key];
  for (const name of [dataset, pretrainingDataset]) {
    if (!Object.hasOwn(plan.datasets, name)) refuse(`tasks.${key}: unknown dataset ${name}`);
  }
  checkClasses(plan, key, refuse);
  if (autoencoder !== undefined && autoencoder.path === undefined && autoencoder.name === undefined) {
    refuse(`tasks.${key}.autoencoder: expected its path or the name of a shipped one, got neither`);
  }
}

/** The numbers that a sweep has where the plan names none: those of the schema. */
const NOT_ASKED = { imagesPerClass: '[100]', steps: '[300]' } as const;

/** A budget draws pre-training classes by what a base has learnt: nothing is trained on novel ones. */
function checkBudgetSweep(plan: BenchmarkPlan, { tasks, ...sweep }: Sweep, at: string, refuse: Refuse): void {
  for (const [field, usual] of Object.entries(NOT_ASKED)) {
    const asked = JSON.stringify(sweep[field as keyof typeof NOT_ASKED]);
    if (asked !== usual)
      refuse(`${at}.${field}: has no part in the table 'budget', where nothing is trained; leave it out`);
  }
  const distant = tasks.find((task) => plan.tasks[task].pretrainingDataset !== undefined);
  if (distant !== undefined) {
    refuse(`${at}.tasks: ${distant} has a pretrainingDataset, which the table 'budget' has no part for`);
  }
}

function checkSweep(plan: BenchmarkPlan, place: number, refuse: Refuse): void {
  const sweep = plan.sweeps[place];
  const at = `sweeps.${place}`;
  const unknown = sweep.tasks.find((task) => !Object.hasOwn(plan.tasks, task));
  if (unknown !== undefined) refuse(`${at}: unknown task ${unknown}`);
  const isBudget = (method: string) => (BUDGET_METHODS as readonly string[]).includes(method);
  const fits =
    sweep.table === 'budget'
      ? sweep.methods.every(isBudget) && plan.budgets !== undefined
      : !sweep.methods.some(isBudget);
  if (!fits) {
    refuse(`${at}: the table 'budget' takes ${BUDGET_METHODS.join(', ')} and the plan's budgets, no other table does`);
  }
  if (sweep.table === 'budget') checkBudgetSweep(plan, sweep, at, refuse);
}

/**
 * Refuses a plan whose parts contradict each other, or have a field that would be ignored.
 *
 * @param source - what stands before the message
 * @throws ConfigError that names the field
 */
export function checkPlan(plan: BenchmarkPlan, source: string): void {
  const refuse: Refuse = (problem) => {
    throw new ConfigError(`${source}: ${problem}`);
  };
  for (const key of Object.keys(plan.tasks)) checkTask(plan, key, refuse);
  for (const place of plan.sweeps.keys()) checkSweep(plan, place, refuse);
}
