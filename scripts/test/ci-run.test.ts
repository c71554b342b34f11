import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'learngene-ci-'));
  mkdirSync(join(folder, '.ci'));
  mkdirSync(join(folder, 'bin'));
  copyFileSync(fileURLToPath(new URL('../../.ci/run', import.meta.url)), join(folder, '.ci', 'run'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs `.ci/run` with programs that print what is given for their arguments and exit with 1 where `failing` names them. */
function run(outputs: Readonly<Record<string, string>>, failing: readonly string[]) {
  const say = (text: string) => `printf '%s\\n' '${text}'`;
  for (const program of ['npm', 'node']) {
    const cases = Object.entries(outputs).map(([args, text]) => `'${program} ${args}') ${say(text)} ;;`);
    const exits = failing.map((args) => `'${program} ${args}') exit 1 ;;`);
    const text = [
      '#!/bin/sh',
      `echo "${program} $*" >> calls`,
      'echo "$LEARNGENE_REAL_DATA" > data',
      `case "${program} $*" in`,
      ...cases,
      'esac',
      `case "${program} $*" in`,
      ...exits,
      'esac',
    ];
    writeFileSync(join(folder, 'bin', program), `${text.join('\n')}\nexit 0\n`);
    chmodSync(join(folder, 'bin', program), 0o755);
  }
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}`, CHROME_PATH: '/none' };
  delete (env as NodeJS.ProcessEnv).LEARNGENE_REAL_DATA;
  const { stdout, status } = spawnSync('bash', [join(folder, '.ci', 'run')], { encoding: 'utf8', env });
  return { lines: stdout.trimEnd().split('\n'), status };
}

test.skipIf(process.platform === 'win32')('all is well: the count of the tests is the last line', () => {
  const { lines, status } = run({ test: '7 passed, 0 failed', 'run test:engines': '3 passed, 0 failed' }, []);
  expect(lines.at(-1)).toBe('7 passed, 0 failed');
  expect(lines.filter((line) => line.includes('== '))).toEqual([]);
  expect(lines).toContainEqual(expect.stringMatching(/^\[fuzz\] exit code 0 after \d+ s$/));
  expect(lines).toContainEqual(expect.stringMatching(/^\[kill-test\] exit code 0 after \d+ s$/));
  expect(status).toBe(0);
});

test.skipIf(process.platform === 'win32')(
  'data beside the repository is for the tests, and how many ran is said',
  () => {
    const outer = folder;
    folder = join(outer, 'project');
    mkdirSync(folder);
    for (const name of ['.ci', 'bin']) renameSync(join(outer, name), join(folder, name));
    mkdirSync(join(outer, 'shared', 'data'), { recursive: true });
    const { lines } = run({ test: 'real data: 2 of 3 tests ran\n7 passed, 0 failed' }, []);
    expect(readFileSync(join(folder, 'data'), 'utf8').trim()).toBe(join(realpathSync(outer), 'shared', 'data'));
    expect(lines.slice(-2)).toEqual(['real data: 2 of 3 tests ran', '7 passed, 0 failed']);
    folder = outer;
  },
);

test.skipIf(process.platform === 'win32')('what failed stands at the end, before the count of the tests', () => {
  const { lines, status } = run(
    {
      test: 'much text\nFailed tests:\n- kind > a.test.ts > adds\n    AssertionError: 2\n6 passed, 1 failed',
      'run test:engines': 'Failed tests:\n- nn > b.test.ts > halves\n0 passed, 1 failed',
      'run check': 'knip: unused file',
      'scripts/fuzz.mjs --cases 500': 'npz:17 was read',
    },
    ['test', 'run test:engines', 'run check', 'scripts/fuzz.mjs --cases 500'],
  );
  const end = lines.slice(lines.findIndex((line) => line.includes('== test failed')));
  expect(end).toEqual([
    '== test failed',
    'Failed tests:',
    '- kind > a.test.ts > adds',
    '    AssertionError: 2',
    '',
    '== test:engines failed',
    'Failed tests:',
    '- nn > b.test.ts > halves',
    '',
    '== check failed',
    'knip: unused file',
    '',
    '== fuzz failed',
    'npz:17 was read',
    '6 passed, 1 failed',
  ]);
  expect(status).toBe(1);
});
