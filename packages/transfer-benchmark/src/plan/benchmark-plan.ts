import { readFile } from 'node:fs/promises';
import { ConfigError } from '@learngene/pipeline';
import { z } from 'zod';
import { ABLATIONS, BUDGET_METHODS, METHOD_NAMES } from './names';
import { PLAN_FORMAT, planOfFormat1 } from './old-formats';
import { TRIAL_TABLES } from './result';

const positive = z.int().positive();
const fraction = z.number().min(0).max(1);
const rate = z.number().positive();
const name = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,39}$/, 'expected small letters, digits, dots and dashes');

/** Where the images of a dataset come from, and how they are prepared. */
const datasetSchema = z.strictObject({
  source: z.enum(['emoji', 'folder', 'idx', 'cifar10', 'cifar100', 'packed']),
  path: z.string().optional().describe('folder or file (not needed for emoji)'),
  size: z.int().min(4).max(256).optional().describe('pixels a side; arrays are resampled'),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .optional()
    .describe('grey (1) or colour (3); default: as they are'),
  merge: z.record(z.string(), z.array(z.string())).optional().describe('superclass to its classes; others stay'),
  perClass: positive.optional().describe('at most so many images of a class'),
  holdOut: fraction.default(0.2).describe('fraction of each class that nothing is trained on'),
  flip: z.boolean().default(true).describe('mirror training images at random'),
});

/** Which classes are for what. The sets may not overlap. */
const taskSchema = z.strictObject({
  dataset: name,
  pretraining: z.array(z.string()).min(1).describe('classes of the base model'),
  pretrainingDataset: name.optional().describe('distant domain: the dataset of the base model, of the same shape'),
  tuning: z
    .array(z.string())
    .min(1)
    .describe('novel classes that choose learning rates and guidance, and nothing else'),
  novel: z.array(z.string()).min(1).describe('novel classes that are reported'),
  tuneAs: name
    .optional()
    .describe('take the learning rates and guidance chosen for another task with the same base model'),
});

/** All pairs of some tasks, methods, numbers of images, steps and seeds: each is a trial of one table. */
const sweepSchema = z.strictObject({
  table: z.enum(TRIAL_TABLES),
  tasks: z.array(name).min(1),
  methods: z
    .array(z.enum([...METHOD_NAMES, ...(Object.keys(ABLATIONS) as (keyof typeof ABLATIONS)[]), ...BUDGET_METHODS]))
    .min(1),
  imagesPerClass: z.array(z.int().min(0)).min(1).default([100]).describe('training images a novel class; 0: all'),
  steps: z.array(positive).min(1).default([300]).describe('optimiser steps of the transfer'),
  seeds: z.array(z.int().min(0)).min(1).optional().describe('default: those of the plan'),
});

/** A plan of the transfer benchmark. */
const planSchema = z.strictObject({
  format: z.literal(PLAN_FORMAT).default(PLAN_FORMAT),
  name,
  seeds: z.array(z.int().min(0)).min(1),
  datasets: z.record(name, datasetSchema),
  tasks: z.record(name, taskSchema),
  model: z.strictObject({
    patchSize: positive,
    hiddenSize: positive,
    depth: positive,
    heads: positive,
    labelDropout: fraction.default(0.1),
    learngeneRank: positive.describe('N_G'),
    tailorRank: positive.describe('N_t; N_G + N_t is the rank of the plain low-rank base'),
    macsRank: positive
      .optional()
      .describe(
        'N_G + N_t of the factored models in the iso-MACs table (default: the rank that costs what the dense model costs)',
      ),
  }),
  pretraining: z.strictObject({
    steps: positive,
    batchSize: positive.default(64),
    learningRates: z.array(rate).min(1).describe('each form of base takes its best, by loss on held-out images'),
    sweepSteps: positive.optional().describe('steps of that sweep, where there are several rates'),
    warmup: z.int().min(0).default(50),
    emaDecay: fraction.default(0.99),
    checkpointEvery: positive.default(200),
  }),
  transfer: z.strictObject({
    batchSize: positive.default(32),
    warmup: z.int().min(0).default(10),
    emaDecay: fraction.default(0.99),
    labels: z.enum(['null', 'random']).default('null').describe('how label rows of novel classes start'),
  }),
  tuning: z.strictObject({
    learningRates: z.array(rate).min(1).describe('the same sweep for every method, rising'),
    extend: z.int().min(0).default(0).describe('how often the sweep goes on where its best rate is at an end'),
    screenScale: z.number().min(0).default(1.5).describe('guidance scale at which learning rates are compared'),
    scales: z.array(z.number().min(0)).describe('guidance scales tried for the best learning rate'),
    imagesPerClass: positive.default(100),
    steps: positive,
    samplesPerClass: positive,
    seed: z.int().min(0).default(1000),
  }),
  evaluation: z.strictObject({
    samplesPerClass: positive,
    curve: z.array(z.number().gt(0).lt(1)).default([]).describe('fractions of the steps at which samples are scored'),
    curveSamplesPerClass: positive.optional(),
    sampler: z.enum(['ddim', 'dpm-solver++', 'unipc']).default('ddim'),
    samplingSteps: positive,
    validationPerClass: positive.default(64),
    logEvery: positive.default(10),
    losses: positive.default(5).describe('validation losses of a training'),
  }),
  classifier: z.strictObject({ steps: positive, batchSize: positive.default(64) }),
  budgets: z
    .strictObject({
      fractions: z.array(fraction).min(1).describe('fractions of the whole bundle'),
      smallWidths: z.array(positive).describe('widths of the dense models trained small'),
    })
    .optional(),
  sweeps: z.array(sweepSchema).min(1),
});

/** A complete benchmark plan. */
export type BenchmarkPlan = z.output<typeof planSchema>;

/** What the file of a benchmark plan holds: defaults may be left out. */
export type BenchmarkPlanInput = z.input<typeof planSchema>;

/** One task of a plan: which classes are for what. */
export type Task = BenchmarkPlan['tasks'][string];

/** One sweep of a plan. */
export type Sweep = BenchmarkPlan['sweeps'][number];

/** Where the images of a dataset come from, and what is made of them. */
export type DatasetPlan = BenchmarkPlan['datasets'][string];

/** The sizes of all models. */
export type ModelPlan = BenchmarkPlan['model'];

/** How base models are trained. */
export type PretrainingPlan = BenchmarkPlan['pretraining'];

/** How methods are trained on novel classes. */
export type TransferPlan = BenchmarkPlan['transfer'];

/** What is tried on the tuning classes. */
export type TuningPlan = BenchmarkPlan['tuning'];

/** How models are sampled and scored. */
export type EvaluationPlan = BenchmarkPlan['evaluation'];

function check(condition: boolean, message: string): void {
  if (!condition) throw new ConfigError(message);
}

function checkTask(plan: BenchmarkPlan, source: string, key: string): void {
  const task = plan.tasks[key];
  for (const dataset of [task.dataset, task.pretrainingDataset ?? task.dataset]) {
    check(Object.hasOwn(plan.datasets, dataset), `${source}: tasks.${key}: unknown dataset ${dataset}`);
  }
  const sets =
    task.pretrainingDataset === undefined ? [task.pretraining, task.tuning, task.novel] : [task.tuning, task.novel];
  const all = sets.flat();
  const twice = all.find((label, i) => all.indexOf(label) !== i);
  check(
    twice === undefined,
    `${source}: tasks.${key}: ${twice} is in two sets; pre-training, tuning and novel classes must differ`,
  );
  if (task.tuneAs !== undefined) {
    check(Object.hasOwn(plan.tasks, task.tuneAs), `${source}: tasks.${key}.tuneAs: unknown task ${task.tuneAs}`);
    const other = plan.tasks[task.tuneAs];
    const same =
      other.tuneAs === undefined &&
      JSON.stringify([other.dataset, other.pretraining]) === JSON.stringify([task.dataset, task.pretraining]);
    check(
      same,
      `${source}: tasks.${key}.tuneAs: ${task.tuneAs} has another base model, or takes its choices elsewhere`,
    );
    const leak = task.novel.find((label) => other.tuning.includes(label));
    check(leak === undefined, `${source}: tasks.${key}: ${leak} is novel here and was tuned on in ${task.tuneAs}`);
  }
}

/**
 * Checks a benchmark plan and fills in the defaults. Plans of format 1 are translated.
 *
 * @param source - what stands before the message of an error: the file, or the option that named the plan
 * @throws ConfigError that names the field and what was expected; of a class that is in two sets of a task, the class
 */
export function parsePlan(value: unknown, source: string): BenchmarkPlan {
  const parsed = planSchema.safeParse(planOfFormat1(value) ?? value);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(
      (issue) => `${issue.path.map(String).join('.') || 'plan'}: ${issue.message}`,
    );
    throw new ConfigError(`${source}: ${issues.join('; ')}`);
  }
  const plan = parsed.data;
  for (const key of Object.keys(plan.tasks)) checkTask(plan, source, key);
  for (const [i, sweep] of plan.sweeps.entries()) {
    for (const task of sweep.tasks)
      check(Object.hasOwn(plan.tasks, task), `${source}: sweeps.${i}: unknown task ${task}`);
    const budget = sweep.methods.filter((method) => (BUDGET_METHODS as readonly string[]).includes(method));
    check(
      sweep.table === 'budget'
        ? budget.length === sweep.methods.length && plan.budgets !== undefined
        : budget.length === 0,
      `${source}: sweeps.${i}: the table 'budget' takes ${BUDGET_METHODS.join(', ')} and the plan's budgets, no other table does`,
    );
  }
  return plan;
}

/**
 * Reads a benchmark plan from a JSON file.
 *
 * @throws ConfigError where the file is no JSON, or as {@link parsePlan} does
 */
export async function readPlan(path: string): Promise<BenchmarkPlan> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new ConfigError(`--plan ${path}: cannot be read as JSON`, { cause: error });
  }
  return parsePlan(value, path);
}
