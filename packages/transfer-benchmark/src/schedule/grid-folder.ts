import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@learngene/pipeline';
import { versions } from '@learngene/trainer/node';
import { readJson, writeJson } from '../data/json-file';
import { baseKey } from '../plan/bases';
import type { Job } from '../plan/jobs';
import { type Plan, parsePlan } from '../plan/plan';
import type { CellError } from '../plan/result';
import type { Graph } from './graph';

const planFile = 'plan.json';

/** Everything that a grid writes at the top of its folder. */
const known = new Set([
  planFile,
  'versions.json',
  'data',
  'classifiers',
  'bases',
  'tuning',
  'cells',
  'retired',
  'spectra.json',
  'report.html',
  'summary.json',
]);

/** Makes the folder of a grid ready and writes its plan; an earlier plan's is continued with this one. */
export async function prepareGridFolder(
  out: string,
  plan: Plan,
  engine: { name: string; detail: string },
): Promise<void> {
  const present = existsSync(out) ? (await readdir(out)).filter((name) => !name.startsWith('.')) : [];
  const strange = present.find((name) => !known.has(name));
  if (strange !== undefined && !present.includes(planFile)) {
    throw new ConfigError(`--out ${out}: expected a new folder or an earlier grid's, got one that holds ${strange}`);
  }
  await mkdir(join(out, 'cells'), { recursive: true });
  await writeJson(join(out, planFile), plan);
  await writeJson(join(out, 'versions.json'), {
    ...versions(),
    engine: `${engine.name} (${engine.detail})`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
  });
}

/** The plan of a grid's folder. */
export async function folderPlan(out: string): Promise<Plan> {
  const file = join(out, planFile);
  return parsePlan(JSON.parse(await readFile(file, 'utf8')), file);
}

/** Moves the cells that the plan does not have aside, and those that it has again back: nothing that was computed is lost. */
export async function retireCells(out: string, graph: Graph): Promise<void> {
  const move = async (from: string, to: string, wanted: (key: string) => boolean) => {
    const names = existsSync(join(out, from)) ? await readdir(join(out, from)) : [];
    for (const key of names.filter(wanted)) {
      await mkdir(join(out, to), { recursive: true });
      await rm(join(out, to, key), { recursive: true, force: true });
      await rename(join(out, from, key), join(out, to, key));
    }
  };
  await move('cells', 'retired', (key) => !graph.has(key));
  await move('retired', 'cells', (key) => graph.has(key));
}

/** What a failed piece of work leaves: in the cell's folder, of other work only in the cells that needed it. */
export async function writeFailure(out: string, job: Job, message: string): Promise<void> {
  if (job.kind !== 'cell' && job.kind !== 'budget') return;
  const { task, method, seed } = job.kind === 'cell' ? job.cell : job.budget;
  const error: CellError = { cell: job.key, task, method, seed, message };
  await writeJson(join(out, 'cells', job.key, 'error.json'), error);
}

/** Removes what an earlier failure of a cell left. */
export async function clearFailure(out: string, job: Job): Promise<void> {
  if (job.kind === 'cell' || job.kind === 'budget')
    await rm(join(out, 'cells', job.key, 'error.json'), { force: true });
}

/** The spectra of the KIND bases and of the cells that have tailors, in one file for the report. */
export async function writeSpectra(out: string, graph: Graph, plan: Plan): Promise<void> {
  const spectra: Record<string, unknown> = {};
  for (const { job } of graph.values()) {
    const folder =
      job.kind === 'base'
        ? join('bases', baseKey(plan, job.base))
        : job.kind === 'cell'
          ? join('cells', job.key)
          : undefined;
    const spectrum = folder === undefined ? undefined : await readJson(join(out, folder, 'spectra.json'));
    if (spectrum !== undefined) spectra[job.key] = spectrum;
  }
  await writeJson(join(out, 'spectra.json'), spectra);
}
