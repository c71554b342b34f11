import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { disposeParams } from '@learngene/nn';
import { ConfigError, noProgress, type Progress } from '@learngene/pipeline';
import {
  CONFIG_FILE,
  checkpointPath,
  checkpointSteps,
  isRunFolder,
  loadNewestCheckpoint,
  type RUN_FORMAT,
  readRecordJson,
} from '@learngene/pipeline/node';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import { checkChangeable, checkParents, checkWritable, strangerIn } from '../new-folder';
import { METRICS_FILE } from './metrics-log';
import { lockRun } from './run-lock';

/** Folders of a run, which it leaves behind if it fails before its first step. */
const EMPTY_RUN = ['checkpoints', 'samples'];

/**
 * Throws a ConfigError unless a path is a new or an empty folder, or that of a run without a checkpoint, which may begin again. It
 * is cheap: call it before any work.
 *
 * @throws Error naming the path where it may not be written
 */
export async function checkNewRun(path: string): Promise<void> {
  const argument = 'run';
  const isRun = existsSync(join(path, CONFIG_FILE));
  if (isRun && !(await isRunWithoutSteps(path))) {
    throw new ConfigError(`${path}: there is a run already`, { code: 'run-exists' });
  }
  if ((await checkpointSteps(path)).length > 0) {
    const message = `${path}: there are checkpoints of a run without its ${CONFIG_FILE}`;
    throw new ConfigError(message, { code: 'record-missing' });
  }
  checkParents(path, argument);
  if (!existsSync(path)) return checkWritable(path);
  if (!(await stat(path)).isDirectory()) {
    throw new ConfigError(`${argument} ${path}: expected a new folder, this is a file`, { argument });
  }
  const stranger = strangerIn(path, isRun ? [...EMPTY_RUN, CONFIG_FILE, METRICS_FILE] : EMPTY_RUN);
  if (stranger !== undefined) {
    const message = `${argument} ${path}: expected a new or empty folder, this one holds ${stranger}; give another`;
    throw new ConfigError(message, { argument });
  }
  checkWritable(path);
}

/** Whether a folder is that of a run of which no checkpoint was written. */
async function isRunWithoutSteps(path: string): Promise<boolean> {
  if (!isRunFolder(path) || (await checkpointSteps(path)).length > 0) return false;
  const record = (await readRecordJson(path).catch(() => undefined)) as { command?: unknown } | null | undefined;
  return typeof record?.command === 'string';
}

/**
 * Throws where a run folder may not be continued. It is cheap: call it before any work.
 *
 * @throws Error naming the folder, or the log, that may not be written
 */
export function checkOldRun(path: string): void {
  for (const folder of [path, ...EMPTY_RUN.map((name) => join(path, name))]) checkWritable(folder);
  checkChangeable(join(path, METRICS_FILE));
}

/**
 * Creates a run folder and writes its record; refuses a folder that holds a run with a checkpoint. One without begins again: its
 * log and samples, which are those of other weights, are deleted, and a warning says so.
 *
 * @throws as {@link checkNewRun}; ConfigError where another process works in the run
 */
export async function createRunFolder(
  path: string,
  record: { readonly format: typeof RUN_FORMAT },
  progress: Progress = noProgress,
): Promise<void> {
  await checkNewRun(path);
  if (!existsSync(join(path, CONFIG_FILE))) return writeNewRun(path, record);
  const release = await lockRun(path);
  try {
    await checkNewRun(path); // whoever had it until now may have written a checkpoint
    progress.warn(`${path}: holds a run without a checkpoint, which begins again`);
    await rm(join(path, METRICS_FILE), { force: true });
    await rm(join(path, 'samples'), { recursive: true, force: true });
    await writeNewRun(path, record);
  } finally {
    await release();
  }
}

async function writeNewRun(path: string, record: { readonly format: typeof RUN_FORMAT }): Promise<void> {
  await mkdir(join(path, 'checkpoints'), { recursive: true });
  await mkdir(join(path, 'samples'), { recursive: true });
  await writeRunRecord(path, record);
}

/** Writes the record of a run folder, completely or not at all. */
export async function writeRunRecord(path: string, record: { readonly format: typeof RUN_FORMAT }): Promise<void> {
  await writeFileAtomic(join(path, CONFIG_FILE), `${JSON.stringify(record, null, 2)}\n`);
}

/**
 * Writes the record of a run anew, unless a process works in the run or its newest checkpoint is damaged.
 *
 * @throws ConfigError naming the process; Error naming what of the checkpoint is damaged
 */
export async function rewriteRunRecord(path: string, record: { readonly format: typeof RUN_FORMAT }): Promise<void> {
  const release = await lockRun(path);
  try {
    for (const tree of Object.values((await loadNewestCheckpoint(path))?.trees ?? {})) disposeParams(tree);
    await writeRunRecord(path, record);
  } finally {
    await release();
  }
}

/** Deletes all checkpoints but the newest `keep`, and the remains of an interrupted write. */
export async function pruneCheckpoints(run: string, keep: number): Promise<void> {
  const folder = join(run, 'checkpoints');
  for (const name of await readdir(folder)) {
    if (name.startsWith('.') && name.endsWith('.tmp')) await rm(join(folder, name), { recursive: true, force: true });
  }
  const steps = await checkpointSteps(run);
  for (const step of steps.slice(0, Math.max(0, steps.length - keep))) {
    await rm(checkpointPath(run, step), { recursive: true, force: true });
  }
}
