import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Jobs } from '../jobs/job';
import { resolveJobs } from '../jobs/resolve-jobs';
import { type BenchmarkPlan, readPlan } from '../plan/benchmark-plan';
import { RENAMED_FOLDERS, resultOfAnyFormat } from '../plan/old-formats';
import { TRIAL_TABLES, type TrialError, type TrialResult } from '../plan/result';

/** The results in a benchmark's folder. */
export interface Results {
  folder: string;
  /** The plan; undefined where plan.json is missing or unreadable. */
  plan: BenchmarkPlan | undefined;
  /** The jobs of the plan. */
  jobs: Jobs | undefined;
  /** versions.json as it is; undefined where it is missing. */
  versions: unknown;
  /** spectra.json as it is; undefined where it is missing. */
  spectra: unknown;
  /** Trials that are done, sorted by key. */
  trials: TrialResult[];
  /** Trials that failed and have no result. */
  errors: TrialError[];
  /** The folder of each trial. */
  folders: ReadonlyMap<string, string>;
  /** Files that could not be read, with the reason. */
  unreadable: { file: string; reason: string }[];
}

// JSON has no NaN: what was not finite comes as null.
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const guidance = z.enum(['none', 'null-label', 'class-agnostic']);

const precisionRecall = z.object({ precision: number, recall: number, fScore: number });

const evaluationSchema = z.object({
  step: z.number(),
  guidance,
  scale: number,
  fid: number,
  sfid: number,
  inceptionScore: number,
  precision: number,
  recall: number,
  precisionMarks: z.object({ noise: precisionRecall, training: precisionRecall.optional() }).optional(),
  classAccuracy: number,
  validationLoss: number.optional(),
  samples: number,
});

const resultSchema: z.ZodType<TrialResult> = z.object({
  trial: z.string(),
  task: z.string(),
  dataset: z.string(),
  autoencoder: z.object({ name: z.string(), hash: z.string() }).optional(),
  method: z.string(),
  seed: z.number(),
  imagesPerClass: z.number(),
  steps: z.number(),
  table: z.enum(TRIAL_TABLES),
  group: z.string().optional(),
  learningRate: number.optional(),
  rank: z.number().optional(),
  batchSize: z.number().optional(),
  trainable: number,
  macs: number,
  bytesPerClass: number,
  parameters: number,
  guidance: z.object({ chosen: guidance, scale: number }),
  evaluations: z.array(evaluationSchema).min(1),
  stepMs: number.optional(),
  peakRssMiB: number,
  trainSeconds: number.optional(),
  losses: z.array(z.object({ step: z.number(), train: number, validation: number.optional() })),
  samples: z.string(),
});

const errorSchema: z.ZodType<TrialError> = z.object({
  trial: z.string(),
  task: z.string(),
  method: z.string(),
  seed: z.number(),
  message: z.string(),
});

/** A JSON file beside the trials; undefined where there is none, or none that can be read. */
async function optionalJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Why a file does not hold what was expected, in one line. */
function reasonOf(error: unknown): string {
  if (!(error instanceof z.ZodError)) return error instanceof Error ? error.message : String(error);
  const [first] = error.issues;
  return `${first.path.join('.') || 'the document'}: ${first.message}`;
}

/** The folders of all trials by key, sorted by key; those of a folder of format 1 too. */
async function trialFolders(folder: string): Promise<Map<string, string>> {
  const parents = ['trials', ...RENAMED_FOLDERS.filter(([, now]) => now === 'trials').map(([old]) => old)];
  const found = await Promise.all(
    parents.map(async (parent) => {
      const keys = await readdir(join(folder, parent)).catch(() => []);
      return keys.map((key): [string, string] => [key, join(parent, key)]);
    }),
  );
  // Of a trial that is in both, today's.
  return new Map(
    found
      .reverse()
      .flat()
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}

/**
 * Reads the results of a benchmark, finished or not. A file that cannot be read is named in `unreadable` and left out.
 *
 * @throws Error where there is no such folder
 */
export async function readResults(folder: string): Promise<Results> {
  if (!existsSync(folder))
    throw new Error(`folder: expected one that bench transfer wrote, got ${folder}, which is not there`);
  const [versions, spectra] = await Promise.all(
    ['versions.json', 'spectra.json'].map((file) => optionalJson(join(folder, file))),
  );
  const unreadable: Results['unreadable'] = [];
  let plan: BenchmarkPlan | undefined;
  if (existsSync(join(folder, 'plan.json'))) {
    try {
      plan = await readPlan(join(folder, 'plan.json'));
    } catch (error) {
      unreadable.push({ file: 'plan.json', reason: reasonOf(error) });
    }
  }
  const [trials, errors]: [TrialResult[], TrialError[]] = [[], []];
  const folders = await trialFolders(folder);
  for (const own of folders.values()) {
    const file = join(own, 'result.json');
    if (existsSync(join(folder, file))) {
      try {
        trials.push(resultSchema.parse(resultOfAnyFormat(JSON.parse(await readFile(join(folder, file), 'utf8')))));
      } catch (error) {
        unreadable.push({ file, reason: reasonOf(error) });
      }
      continue;
    }
    const failed = errorSchema.safeParse(resultOfAnyFormat(await optionalJson(join(folder, own, 'error.json'))));
    if (failed.success) errors.push(failed.data);
  }
  const jobs = plan && resolveJobs(plan);
  return { folder, plan, jobs, versions, spectra, trials, errors, folders, unreadable };
}
