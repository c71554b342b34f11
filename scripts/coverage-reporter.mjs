// A vitest reporter for runs with --coverage: counts the lines of packages and of apps that ran in the tests, or in a process
// that a test started, prints the shares, and fails a whole run whose share is too small.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { executedLines } from './child-lines/executed-lines.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The least share of the lines, in percent, by the folder that holds the packages or apps. */
const LEAST = { packages: 90, apps: 85 };

/**
 * Counts lines.
 *
 * @param coverage istanbul's coverage map of the run
 * @param elsewhere lines that ran in other processes, by the path of their source
 * @returns by folder and by package or app (`apps`, `apps/cli`, ...): lines that can run, that ran in the tests, and that ran
 *   there or elsewhere
 */
export function countLines(coverage, elsewhere, base = root) {
  const counts = new Map();
  for (const path of coverage.files()) {
    const [group, name] = relative(base, path).split(sep);
    const lines = Object.entries(coverage.fileCoverageFor(path).getLineCoverage());
    const also = elsewhere.get(resolve(path)) ?? new Set();
    for (const key of [group, `${group}/${name}`]) {
      const count = counts.get(key) ?? { lines: 0, inTests: 0, ran: 0 };
      count.lines += lines.length;
      count.inTests += lines.filter(([, hits]) => hits > 0).length;
      count.ran += lines.filter(([line, hits]) => hits > 0 || also.has(Number(line))).length;
      counts.set(key, count);
    }
  }
  return counts;
}

const percent = (part, whole) => ((100 * part) / Math.max(1, whole)).toFixed(1);

/** What is printed of counts, and the folders that have too small a share. */
export function report(counts, least = LEAST) {
  const text = [...counts]
    .sort(([a], [b]) => a.localeCompare(b, 'en'))
    .map(([key, { lines, inTests, ran }]) => {
      const indented = `${key.includes('/') ? '  ' : ''}${key}`.padEnd(32);
      return `${indented} ${percent(ran, lines).padStart(5)} % of ${lines} lines (${percent(inTests, lines)} % in the tests' own processes)`;
    });
  const short = Object.entries(least).flatMap(([key, wanted]) => {
    const { lines = 0, ran = 0 } = counts.get(key) ?? {};
    return (100 * ran) / Math.max(1, lines) >= wanted
      ? []
      : [`${key}: expected tests to run at least ${wanted} % of the lines, got ${percent(ran, lines)} %`];
  });
  return { text, short };
}

export default class CoverageReporter {
  onInit(vitest) {
    this.partial = vitest.config.project.length > 0 || (vitest.filenamePattern?.length ?? 0) > 0;
    if (!vitest.config.coverage.enabled) return;
    this.folder = mkdtempSync(join(tmpdir(), 'learngene-coverage-'));
    process.env.LEARNGENE_CHILD_COVERAGE = this.folder; // read by child-lines/in-children.ts
  }

  onCoverage(coverage) {
    const { text, short } = report(countLines(coverage, executedLines(this.folder)));
    rmSync(this.folder, { recursive: true, force: true });
    console.log(['Lines that ran, in tests and in processes that they started:', ...text].join('\n'));
    if (short.length === 0) return;
    console.log(short.join('\n'));
    if (!this.partial) process.exitCode = 1;
  }
}
