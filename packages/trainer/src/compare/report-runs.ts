import { join } from 'node:path';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { checkpointSteps, loadModel } from '@learngene/pipeline/node';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import { runPage } from '../reports/run-report';
import { comparePage } from './compare-page';
import { checkEvents, csvOfRuns, writeEvents } from './export-runs';
import { isVaeRun, openRuns, type ReportedRun } from './open-run';

/** What {@link reportRuns} writes; each is left out where it has no path. */
export interface ReportRunsOptions {
  /** The page: of one run its own report, of several a comparison. */
  page?: string;
  /** The logs as CSV. */
  csv?: string;
  /** A folder of event files for TensorBoard. */
  tensorboard?: string;
  /** Whether event files that are there may be replaced (default false); the other paths are replaced. */
  force?: boolean;
  /** Called before a model is read, whose spectra the page of one run shows: it selects an engine. */
  needEngine(): Promise<unknown>;
}

/** The files that {@link reportRuns} wrote. */
export interface WrittenReports {
  /** The runs. */
  runs: string[];
  /** All files, by their paths. */
  files: string[];
}

/** The page of runs without a look at their weights: of one run its report, of several a comparison. */
export function pageOfRuns(runs: readonly ReportedRun[]): Promise<string> {
  const [{ path, record }, ...others] = runs;
  return others.length > 0 || isVaeRun(record) ? comparePage(runs) : runPage(path, record);
}

/** The page of runs; that of one run with learngenes shows the spectra of its newest averaged weights. */
async function pageWithModel(runs: readonly ReportedRun[], needEngine: () => Promise<unknown>): Promise<string> {
  const [{ path, record }, ...others] = runs;
  const hasSpectra = others.length === 0 && record.kind === 'kind' && (await checkpointSteps(path)).length > 0;
  if (!hasSpectra) return pageOfRuns(runs);
  await needEngine();
  const { model } = await loadModel(path);
  try {
    return await runPage(path, record, model);
  } finally {
    disposeParams(model.params as unknown as ParamTree);
  }
}

/**
 * Writes reports of runs, which may still be going on: a page, a table, event files.
 *
 * @param paths The run folders.
 * @throws ConfigError for a folder that is no run, for one that is named twice, for event files that may not be replaced
 */
export async function reportRuns(paths: readonly string[], options: ReportRunsOptions): Promise<WrittenReports> {
  const { page, csv, tensorboard, force = false, needEngine } = options;
  const runs = await openRuns(paths);
  if (tensorboard !== undefined) checkEvents(tensorboard, runs, force);
  const files: string[] = [];
  const write = async (path: string, text: string) => {
    await writeFileAtomic(path, text);
    files.push(path);
  };
  if (page !== undefined) await write(page, await pageWithModel(runs, needEngine));
  if (csv !== undefined) await write(csv, csvOfRuns(runs));
  if (tensorboard !== undefined) files.push(...(await writeEvents(tensorboard, runs)));
  return { runs: [...paths], files };
}

/** The file of a run's own report. */
export const reportFile = (run: string): string => join(run, 'report.html');
