import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CONFIG_FILE } from '@learngene/pipeline/node';
import { METRICS_FILE } from '../run-folder/metrics-log';
import { openRuns } from './open-run';
import { pageOfRuns } from './report-runs';
import { type ServePageOptions, servePage } from './serve-page';

/** A word that changes with the logs, the samples and the configurations of runs. */
function versionOf(paths: readonly string[]): string {
  const stamp = (path: string) => {
    const { mtimeMs = 0, size = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
    return `${mtimeMs}:${size}`;
  };
  const grids = (run: string) => {
    try {
      return readdirSync(join(run, 'samples')).join();
    } catch {
      return '';
    }
  };
  const all = paths.map((run) => [stamp(join(run, METRICS_FILE)), stamp(join(run, CONFIG_FILE)), grids(run)].join(' '));
  return all.join('\n');
}

/**
 * Serves the page of runs on 127.0.0.1 while they train, until the signal aborts. Their weights are not looked at.
 *
 * @throws ConfigError for a folder that is no run and one that is named twice, before anything is served; Error where the port cannot be had
 */
export async function watchRuns(paths: readonly string[], options: ServePageOptions): Promise<void> {
  await openRuns(paths);
  const render = async () => pageOfRuns(await openRuns(paths));
  await servePage({ version: () => versionOf(paths), render }, options);
}
