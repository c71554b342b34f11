import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { ConfigError } from '@learngene/pipeline';
import { type RunRecord, readRecordJson, readRunRecord } from '@learngene/pipeline/node';
import { type Curves, curvesOf } from '../reports/curves';
import { METRICS_FILE, type MetricsLine, readMetricsLog } from '../run-folder/metrics-log';
import { readVaeRunRecord, type VaeRunRecord } from '../vae/record';

/** A run as reports read it. */
export interface ReportedRun {
  /** The run folder. */
  path: string;
  /** What reports call it: the folder's name, or its path where another run has the same name. */
  name: string;
  /** Configuration and model. */
  record: RunRecord | VaeRunRecord;
  /** The lines of its log. */
  lines: readonly MetricsLine[];
  /** The same as lines over the steps. */
  curves: Curves;
  /** When the log was last written, in seconds since 1970; 0 where there is none. */
  written: number;
}

/** The names of runs in reports. */
function namesOf(paths: readonly string[]): string[] {
  const names = paths.map((path) => basename(resolve(path)));
  return names.map((name, i) => (names.indexOf(name) === names.lastIndexOf(name) ? name : paths[i]));
}

async function readRecord(path: string): Promise<RunRecord | VaeRunRecord> {
  const record = (await readRecordJson(path)) as { kind?: unknown } | null;
  return record?.kind === 'autoencoder' ? readVaeRunRecord(path) : readRunRecord(path);
}

/** Whether a run trains an autoencoder. */
export const isVaeRun = (record: RunRecord | VaeRunRecord): record is VaeRunRecord => record.kind === 'autoencoder';

/**
 * Opens runs for a report: pre-trainings, transfers and trainings of autoencoders, also such that are still going on.
 *
 * @throws ConfigError for a folder that is no run, for one that is named twice, and where there is none
 */
export async function openRuns(paths: readonly string[]): Promise<ReportedRun[]> {
  const argument = 'runs';
  if (paths.length === 0)
    throw new ConfigError(`${argument}: expected at least one run folder, got none`, { argument });
  const twice = paths.find((path, i) => paths.findIndex((other) => resolve(other) === resolve(path)) !== i);
  if (twice !== undefined)
    throw new ConfigError(`${argument}: expected each run once, got ${twice} twice`, { argument });
  const names = namesOf(paths);
  return Promise.all(
    paths.map(async (path, i) => {
      const record = await readRecord(path);
      const lines = readMetricsLog(path);
      const written = statSync(join(path, METRICS_FILE), { throwIfNoEntry: false })?.mtimeMs ?? 0;
      return { path, name: names[i], record, lines, curves: curvesOf(lines), written: written / 1000 };
    }),
  );
}
