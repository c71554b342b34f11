import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '@learngene/pipeline';
import { type CsvCell, csv, type ScalarEvent, tensorboardEvents } from '@learngene/report';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import { checkParents } from '../new-folder';
import { scalarsOf } from '../reports/scalars';
import type { ReportedRun } from './open-run';

/** The logs of runs as CSV: a row for each line of a log, a column for each measurement of any run. */
export function csvOfRuns(runs: readonly ReportedRun[]): string {
  const names = [...new Set(runs.flatMap(({ curves }) => [...curves.keys()]))];
  const rows = runs.flatMap((run) => {
    const times = timesOf(run);
    return run.lines.map((line, i): CsvCell[] => {
      const own = new Map(scalarsOf(line));
      return [run.path, line.step, times[i], ...names.map((name) => own.get(name))];
    });
  });
  return csv(['run', 'step', 'time', ...names], rows);
}

/**
 * When the lines of a log were written, in seconds since 1970. Logs of older versions do not say it: their times are counted
 * back from the end of the file by the speed of the steps.
 */
export function timesOf({ lines, written }: Pick<ReportedRun, 'lines' | 'written'>): number[] {
  let next = written;
  const times = lines.map(() => 0);
  for (let i = lines.length - 1; i >= 0; i--) {
    const { time, step, stepsPerSecond } = lines[i];
    times[i] = time ?? next;
    const steps = step - (lines[i - 1]?.step ?? 0);
    next = times[i] - (stepsPerSecond > 0 ? steps / stepsPerSecond : 0);
  }
  return times;
}

/** The scalars of a run as TensorBoard reads them; undefined where nothing was logged. */
function eventsOfRun(run: ReportedRun): { file: string; bytes: Uint8Array } | undefined {
  const times = timesOf(run);
  const events = run.lines.flatMap((line, i): ScalarEvent[] =>
    scalarsOf(line).map(([tag, value]) => ({ tag, step: line.step, value, time: times[i] })),
  );
  if (events.length === 0) return undefined;
  const begun = times[0];
  return { file: `events.out.tfevents.${Math.floor(begun)}.learngene`, bytes: tensorboardEvents(events, begun) };
}

/** The folder of a run's event file; a name with slashes is one folder. */
const eventFolder = ({ name }: ReportedRun) => name.replaceAll(/[\\/:]+/g, '-').replace(/^[-.]+/, '') || 'run';

const isEvents = (name: string) => name.includes('tfevents');

/**
 * Checks that event files may be written. It is cheap: call it before any work.
 *
 * @throws ConfigError for a folder that holds event files of a run, unless they may be replaced
 */
export function checkEvents(folder: string, runs: readonly ReportedRun[], replace: boolean): void {
  const argument = 'tensorboard';
  for (const run of runs) {
    const own = join(folder, eventFolder(run));
    checkParents(join(own, 'events'), argument);
    if (replace || !existsSync(own) || !readdirSync(own).some(isEvents)) continue;
    throw new ConfigError(`${argument} ${own}: holds event files already`, { argument, code: 'events-exist' });
  }
}

/**
 * Writes an event file for each run, in a folder of its name, in the place of those that were there.
 *
 * @returns the paths of the files
 */
export async function writeEvents(folder: string, runs: readonly ReportedRun[]): Promise<string[]> {
  const written: string[] = [];
  for (const run of runs) {
    const events = eventsOfRun(run);
    if (events === undefined) continue;
    const own = join(folder, eventFolder(run));
    await mkdir(own, { recursive: true });
    for (const old of readdirSync(own).filter(isEvents)) await rm(join(own, old));
    await writeFileAtomic(join(own, events.file), events.bytes);
    written.push(join(own, events.file));
  }
  return written;
}
