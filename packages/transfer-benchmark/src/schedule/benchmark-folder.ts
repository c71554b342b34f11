import { existsSync, statSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@learngene/pipeline';
import { checkParents, checkWritable, versions } from '@learngene/trainer/node';
import { readJson, writeJson } from '../data/json-file';
import type { Job, Jobs } from '../jobs/job';
import { hasResult } from '../jobs/select-jobs';
import type { BenchmarkPlan } from '../plan/benchmark-plan';
import { RENAMED_FOLDERS } from '../plan/old-formats';
import type { TrialError } from '../plan/result';
import { moveEntries } from './move-entries';

const PLAN_FILE = 'plan.json';

/** The folders that a benchmark writes into. */
const FOLDERS = ['data', 'latents', 'classifiers', 'bases', 'tuning', 'trials', 'archived'];

/** Everything that a benchmark writes at the top of its folder. */
const KNOWN = new Set([
  PLAN_FILE,
  'versions.json',
  ...FOLDERS,
  'spectra.json',
  'report.html',
  'summary.json',
  ...RENAMED_FOLDERS.map(([old]) => old),
]);

/** Moves what lies in folders of format 1 to those of today. A move that was stopped goes on. */
async function renameOldFolders(out: string): Promise<void> {
  for (const [old, now] of RENAMED_FOLDERS) {
    if (!existsSync(join(out, old))) continue;
    await mkdir(join(out, now), { recursive: true });
    await moveEntries(join(out, old), join(out, now));
    await rm(join(out, old), { recursive: true, maxRetries: 5 });
  }
}

/**
 * Checks the folder of a benchmark before any work, and changes nothing.
 *
 * @throws ConfigError where it holds something else, is a file or lies in one; Error where it may not be written
 */
export async function checkFolder(out: string): Promise<void> {
  checkParents(out, 'out');
  if (existsSync(out) && !statSync(out).isDirectory()) {
    throw new ConfigError(`out ${out}: expected a folder, this is a file`, { argument: 'out' });
  }
  const present = existsSync(out) ? (await readdir(out)).filter((name) => !name.startsWith('.')) : [];
  const strange = present.find((name) => !KNOWN.has(name));
  if (strange !== undefined && !present.includes(PLAN_FILE)) {
    throw new ConfigError(
      `out ${out}: expected a new folder or an earlier benchmark's, got one that holds ${strange}`,
      { argument: 'out' },
    );
  }
  for (const folder of [out, ...FOLDERS.map((name) => join(out, name))]) checkWritable(folder);
}

/**
 * Makes the folder of a benchmark ready and writes its plan. A folder that holds an earlier plan is continued with this one;
 * one of format 1 is brought to the format of today.
 *
 * @throws as {@link checkFolder}
 */
export async function prepareFolder(
  out: string,
  plan: BenchmarkPlan,
  engine: { name: string; detail: string },
): Promise<void> {
  await checkFolder(out);
  await mkdir(out, { recursive: true });
  await renameOldFolders(out);
  await mkdir(join(out, 'trials'), { recursive: true });
  await writeJson(join(out, PLAN_FILE), plan);
  await writeJson(join(out, 'versions.json'), {
    ...versions(),
    engine: `${engine.name} (${engine.detail})`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
  });
}

/** Moves the trials that the plan does not have to `archived`, and those that it has again back: no result is lost. */
export async function archiveTrials(out: string, jobs: Jobs): Promise<void> {
  const [trials, archived] = [join(out, 'trials'), join(out, 'archived')];
  await moveEntries(trials, archived, { wanted: (key) => !jobs.has(key) });
  await moveEntries(archived, trials, { wanted: (key) => jobs.has(key) });
}

/** Writes the error of a job into its trial's folder. Other jobs leave theirs in the trials that needed them. */
export async function writeFailure(out: string, job: Job, message: string): Promise<void> {
  if (!hasResult(job)) return;
  const { task, method, seed } = job.kind === 'trial' ? job.trial : job.budget;
  const error: TrialError = { trial: job.key, task, method, seed, message };
  await writeJson(join(out, 'trials', job.key, 'error.json'), error);
}

/** Removes the error of an earlier failure of a trial. */
export async function clearFailure(out: string, job: Job): Promise<void> {
  if (hasResult(job)) await rm(join(out, 'trials', job.key, 'error.json'), { force: true });
}

/** Gathers the spectra of the KIND bases and of the trials that have tailors in one file for the report. */
export async function writeSpectra(out: string, jobs: Jobs): Promise<void> {
  const spectra: Record<string, unknown> = {};
  for (const { kind, key } of jobs.values()) {
    const folder = kind === 'base' ? 'bases' : kind === 'trial' ? 'trials' : undefined;
    const spectrum = folder === undefined ? undefined : await readJson(join(out, folder, key, 'spectra.json'));
    if (spectrum !== undefined) spectra[key] = spectrum;
  }
  await writeJson(join(out, 'spectra.json'), spectra);
}
