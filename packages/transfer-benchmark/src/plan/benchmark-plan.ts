import { readFile } from 'node:fs/promises';
import { ConfigError, describeIssues } from '@learngene/pipeline';
import { z } from 'zod';
import { checkText } from '../check-options';
import { checkPlan } from './check-plan';
import { ABLATIONS, BUDGET_METHODS, METHOD_NAMES } from './names';
import { PLAN_FORMAT, planOfFormat1 } from './old-formats';
import { TRIAL_TABLES } from './result';

const positive = z.int().positive();
const fraction = z.number().min(0).max(1);
const rate = z.number().positive();
const name = z.string().regex(/^[a-z0-9][a-z0-9.-]{0,39}$/, 'expected small letters, digits, dots and dashes');

/** Where the images of a dataset come from, and how they are prepared. */
const datasetSchema = z.strictObject({
  /** Kind of data. */
  source: z.enum(['emoji', 'folder', 'idx', 'cifar10', 'cifar100', 'packed']),
  /** Folder or file (not needed for emoji). */
  path: z.string().optional(),
  /** Pixels a side (default: 32 for image files; arrays are only resampled where it is given). */
  size: z.int().min(4).max(256).optional(),
  /** Grey (1) or colour (3) (default: as they are). */
  channels: z.union([z.literal(1), z.literal(3)]).optional(),
  /** Superclasses and the classes that each replaces; other classes stay. */
  merge: z.record(z.string(), z.array(z.string())).optional(),
  /** Largest number of images of a class (default: all). */
  perClass: positive.optional(),
  /** Fraction of each class that nothing is trained on (default 0.2). */
  holdOut: fraction.default(0.2),
  /** Whether training images are mirrored at random (default true). */
  flip: z.boolean().default(true),
});

/** The autoencoder in whose latents a task works. */
const autoencoderSchema = z.strictObject({
  /** Its folder. */
  path: z.string().min(1).optional(),
  /** Its name: that of a shipped one, or what the report calls it. */
  name: z.string().min(1).optional(),
  /** SHA-256 of its weights and configuration; filled in by `withAutoencoders`, and compared where it is there. */
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits')
    .optional(),
  /** The network sees (latents - shiftFactor) * scalingFactor (default: as the autoencoder says). */
  scalingFactor: z.number().positive().optional(),
  /** See scalingFactor. */
  shiftFactor: z.number().optional(),
});

/** Which classes are for what. The sets may not overlap. */
const taskSchema = z.strictObject({
  /** Name of the dataset of the novel and tuning classes. */
  dataset: name,
  /** Classes that the base models are trained on. */
  pretraining: z.array(z.string()).min(1),
  /** Name of the dataset of the base models, in a distant domain; images must have the same shape (default: `dataset`). */
  pretrainingDataset: name.optional(),
  /** Novel classes on which learning rates and guidance are chosen. They serve for nothing else. */
  tuning: z.array(z.string()).min(1),
  /** Novel classes that are reported. */
  novel: z.array(z.string()).min(1),
  /** Another task with the same base models, whose learning rates and guidance are taken (default: chosen anew). */
  tuneAs: name.optional(),
  /** The autoencoder in whose latents all models of the task work (default: they work in pixels). */
  autoencoder: autoencoderSchema.optional(),
  /** Side of a patch in this task: in pixels, or in positions of a latent (default: that of `model`). */
  patchSize: positive.optional(),
});

/** All combinations of some tasks, methods, numbers of images, steps and seeds. Each is a trial of one table. */
const sweepSchema = z.strictObject({
  /** The table of the report that the trials belong to. */
  table: z.enum(TRIAL_TABLES),
  /** Names of tasks. */
  tasks: z.array(name).min(1),
  /** Names of methods; the table 'budget' takes only budget methods. */
  methods: z
    .array(z.enum([...METHOD_NAMES, ...(Object.keys(ABLATIONS) as (keyof typeof ABLATIONS)[]), ...BUDGET_METHODS]))
    .min(1),
  /** Training images of each novel class; 0 means all (default [100]). */
  imagesPerClass: z.array(z.int().min(0)).min(1).default([100]),
  /** Optimiser steps of the transfer (default [300]). */
  steps: z.array(positive).min(1).default([300]),
  /** Seeds (default: those of the plan). */
  seeds: z.array(z.int().min(0)).min(1).optional(),
});

/** A plan of the transfer benchmark. */
const planSchema = z.strictObject({
  /** Version of the format. */
  format: z.literal(PLAN_FORMAT).default(PLAN_FORMAT),
  /** Name of the plan, for titles. */
  name,
  /** A trial is repeated with each of these seeds, which the base models have too. */
  seeds: z.array(z.int().min(0)).min(1),
  /** Datasets by name. */
  datasets: z.record(name, datasetSchema),
  /** Tasks by name. */
  tasks: z.record(name, taskSchema),
  /** Sizes of all models. */
  model: z.strictObject({
    /** Side of a patch, in pixels; in positions of a latent where a task works in latents. */
    patchSize: positive,
    /** Width of a token. */
    hiddenSize: positive,
    /** Number of blocks. */
    depth: positive,
    /** Number of attention heads. */
    heads: positive,
    /** Probability that training drops a label (default 0.1). */
    labelDropout: fraction.default(0.1),
    /** N_G: components of every main layer that all classes share. */
    learngeneRank: positive,
    /** N_t: components that a class owns. N_G + N_t is the rank of the plain low-rank base. */
    tailorRank: positive,
    /**
     * N_G + N_t of the factored models in the iso-MACs table (default: the largest rank that costs no more than the dense
     * model).
     */
    macsRank: positive.optional(),
  }),
  /** How base models are trained. */
  pretraining: z.strictObject({
    /** Optimiser steps. */
    steps: positive,
    /** Images of a step (default 64). */
    batchSize: positive.default(64),
    /** Learning rates that each form of base tries; it takes the one with the lowest loss on held-out images. */
    learningRates: z.array(rate).min(1),
    /** Steps for which each rate is tried, where there are several (default: `steps`). */
    sweepSteps: positive.optional(),
    /** Steps of the linear warm-up of the learning rate (default 50). */
    warmup: z.int().min(0).default(50),
    /** Decay of the moving average of the parameters (default 0.99). */
    emaDecay: fraction.default(0.99),
    /** Steps between two checkpoints (default 200). */
    checkpointEvery: positive.default(200),
  }),
  /** How methods are trained on novel classes. */
  transfer: z.strictObject({
    /** Images of a step (default 32). */
    batchSize: positive.default(32),
    /** Steps of the linear warm-up of the learning rate (default 10). */
    warmup: z.int().min(0).default(10),
    /** Decay of the moving average of what is trained (default 0.99). */
    emaDecay: fraction.default(0.99),
    /** How label rows of novel classes start: as copies of the null label's row (default), or at random. */
    labels: z.enum(['null', 'random']).default('null'),
  }),
  /** What is tried on the tuning classes. */
  tuning: z.strictObject({
    /** Learning rates that every method tries, ascending. */
    learningRates: z.array(rate).min(1),
    /** How often a further rate is tried where the best one is at an end of the list (default 0). */
    extend: z.int().min(0).default(0),
    /** Guidance scale at which learning rates are compared (default 1.5). */
    screenScale: z.number().min(0).default(1.5),
    /** Guidance scales that are tried with the best learning rate. */
    scales: z.array(z.number().min(0)),
    /** Training images of each tuning class (default 100). */
    imagesPerClass: positive.default(100),
    /** Optimiser steps. */
    steps: positive,
    /** Samples of each class that are scored. */
    samplesPerClass: positive,
    /** Seed of the trainings (default 1000). */
    seed: z.int().min(0).default(1000),
  }),
  /** How models are sampled and scored. */
  evaluation: z.strictObject({
    /** Samples of each class at the end of a trial. */
    samplesPerClass: positive,
    /** Fractions of the steps after which samples are scored too, for curves (default none). */
    curve: z.array(z.number().gt(0).lt(1)).default([]),
    /** Samples of each class at the points of a curve (default: `samplesPerClass`). */
    curveSamplesPerClass: positive.optional(),
    /** Sampler (default 'ddim'). */
    sampler: z.enum(['ddim', 'dpm-solver++', 'unipc']).default('ddim'),
    /** Steps of the sampler. */
    samplingSteps: positive,
    /** Held-out images of each class for the validation loss (default 64). */
    validationPerClass: positive.default(64),
    /** Steps between two lines of training loss (default 10). */
    logEvery: positive.default(10),
    /** How often the validation loss is measured in a training (default 5). */
    losses: positive.default(5),
  }),
  /** How the classifiers that score samples are trained. */
  classifier: z.strictObject({
    /** Optimiser steps. */
    steps: positive,
    /** Images of a step (default 64). */
    batchSize: positive.default(64),
  }),
  /** Sizes of the models in the deployment table; needed only for that table. */
  budgets: z
    .strictObject({
      /** Sizes as fractions of the whole bundle. */
      fractions: z.array(fraction).min(1),
      /** Widths of the small dense models. */
      smallWidths: z.array(positive),
    })
    .optional(),
  /** Trials, as combinations. */
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

/** The autoencoder in whose latents a task works. */
export type AutoencoderPlan = NonNullable<BenchmarkPlan['tasks'][string]['autoencoder']>;

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

/**
 * Checks a benchmark plan and fills in the defaults. Plans of format 1 are translated.
 *
 * @param source - what stands before the message of an error: the file, or the option that named the plan
 * @throws ConfigError that names the field and what was expected; of a class that is in two sets of a task, the class
 */
export function parsePlan(value: unknown, source: string): BenchmarkPlan {
  checkText('source', source);
  const asked = planOfFormat1(value) ?? value;
  const parsed = planSchema.safeParse(asked);
  if (!parsed.success) {
    const context = { schema: planSchema, value: asked, root: 'plan' };
    throw new ConfigError(`${source}: ${describeIssues(parsed.error.issues, context)}`);
  }
  const plan = parsed.data;
  checkPlan(plan, source);
  return plan;
}

/**
 * Reads a benchmark plan from a JSON file.
 *
 * @throws ConfigError where the file is no JSON, or as {@link parsePlan} does
 */
export async function readPlan(path: string): Promise<BenchmarkPlan> {
  checkText('path', path);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new ConfigError(`plan ${path}: cannot be read as JSON`, { argument: 'plan', cause: error });
  }
  return parsePlan(value, path);
}
