import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { executedLines } from '../child-lines/executed-lines.mjs';
import { countLines, report } from '../coverage-reporter.mjs';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'learngene-covered-')));
});
afterEach(() => rmSync(root, { recursive: true }));

const preload = new URL('../child-lines/child.mjs', import.meta.url).href;
const source = `export function halve(x: number): number {
  if (x > 1000) {
    return x / 2;
  }
  return x * 0.5;
}

export function never(): string {
  return 'never';
}

const [, , word] = process.argv;
console.log(halve(Number(word)));
if (word === '7') process.exit(3);
`;

/** Runs the built program of a small package once for every argument, and gives the lines that ran. */
async function lines(...words: string[]): Promise<Map<string, Set<number>>> {
  mkdirSync(join(root, 'packages/a/src'), { recursive: true });
  writeFileSync(join(root, 'packages/a/src/main.ts'), source);
  const outfile = join(root, 'packages/a/dist/main.js');
  const entryPoints = [join(root, 'packages/a/src/main.ts')];
  await build({ entryPoints, outfile, sourcemap: true, minifySyntax: true, format: 'esm', bundle: true });
  writeFileSync(join(root, 'packages/a/package.json'), '{ "type": "module" }');
  const folder = join(root, 'covered');
  for (const word of words) {
    const env = { ...process.env, NODE_OPTIONS: `--import=${preload}`, LEARNGENE_CHILD_COVERAGE: folder };
    const { status, stdout, stderr } = spawnSync(process.execPath, [outfile, word], { encoding: 'utf8', env });
    expect({ status, stdout, stderr }).toEqual({
      status: word === '7' ? 3 : 0,
      stdout: `${Number(word) / 2}\n`,
      stderr: '',
    });
  }
  return executedLines(folder);
}

const only = (found: Map<string, Set<number>>): number[] => [
  ...(found.get(join(root, 'packages/a/src/main.ts')) ?? []),
];

test('lines that processes ran are told from those that none ran, also where they exit by themselves', async () => {
  const small = only(await lines('7'));
  expect(small).toEqual(expect.arrayContaining([5, 12, 13, 14]));
  expect(small).not.toContain(3);
  expect(small).not.toContain(9);
  const both = only(await lines('4000'));
  expect(both).toEqual(expect.arrayContaining([3, 5, 14]));
  expect(both).not.toContain(9);
});

test('nothing ran where no process wrote anything', () => {
  expect(executedLines(join(root, 'missing'))).toEqual(new Map());
});

test('a line counts where the tests or a process ran it, and too small a share is named', () => {
  const files: Record<string, Record<number, number>> = {
    [join(root, 'packages/a/src/x.ts')]: { 1: 5, 2: 0, 3: 0, 4: 0 },
    [join(root, 'apps/b/src/y.ts')]: { 1: 0, 2: 0 },
  };
  const coverage = {
    files: () => Object.keys(files),
    fileCoverageFor: (path: string) => ({ getLineCoverage: () => files[path] }),
  };
  const elsewhere = new Map([
    [join(root, 'packages/a/src/x.ts'), new Set([1, 2, 99])],
    [join(root, 'apps/b/src/y.ts'), new Set([1, 2])],
  ]);
  const counts = countLines(coverage, elsewhere, root);
  expect(counts).toEqual(
    new Map([
      ['packages', { lines: 4, inTests: 1, ran: 2 }],
      ['packages/a', { lines: 4, inTests: 1, ran: 2 }],
      ['apps', { lines: 2, inTests: 0, ran: 2 }],
      ['apps/b', { lines: 2, inTests: 0, ran: 2 }],
    ]),
  );
  expect(report(counts, { packages: 50, apps: 100 }).short).toEqual([]);
  expect(report(counts, { packages: 51, apps: 100 }).short).toEqual([
    'packages: expected tests to run at least 51 % of the lines, got 50.0 %',
  ]);
  expect(report(new Map(), { apps: 85 }).short).toHaveLength(1);
  expect(report(counts).text[0]).toBe(
    "apps                             100.0 % of 2 lines (0.0 % in the tests' own processes)",
  );
});

test('the preload does nothing where no coverage is counted', () => {
  const env = { ...process.env, LEARNGENE_CHILD_COVERAGE: undefined };
  const { status, stderr } = spawnSync(process.execPath, [`--import=${preload}`, '-e', '0'], { encoding: 'utf8', env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
