import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Modules that other programs load; they are no commands. */
const modules = [
  'count-reporter.mjs',
  'coverage-reporter.mjs',
  'command-line.mjs',
  'emoji-classes.mjs',
  'emoji-images.mjs',
  'progress-lines.mjs',
];
const scripts = ['scripts', 'packages/backend-native/scripts'].flatMap((folder) =>
  readdirSync(`${root}${folder}`)
    .filter((name) => name.endsWith('.mjs') && !modules.includes(name))
    .map((name) => `${folder}/${name}`),
);

const run = (...args: string[]) => spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', timeout: 20_000 });

describe.each(scripts)('%s', (script) => {
  test.each(['--help', '-h'])('%s shows what it is for and its options, and does nothing else', (flag) => {
    const { status, stdout, stderr } = run(script, flag);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/node scripts\/[a-z0-9-]+\.mjs/);
    expect(stdout.trim().split('\n').length).toBeLessThan(20);
  });
});

test.each([
  ['scripts/fuzz.mjs', ['--cases', 'many'], '--cases: expected a whole number of at least 1, got many'],
  ['scripts/fuzz.mjs', ['--cases', '0'], 'got 0'],
  ['scripts/fuzz.mjs', ['--only', 'zip:3'], '--only: expected '],
  ['scripts/fuzz.mjs', ['--sed', '3'], "Unknown option '--sed'"],
  ['scripts/kill-test.mjs', ['--steps', '1.5'], '--steps: expected a whole number'],
  ['scripts/bf16-loss.mjs', ['--seeds', ''], '--seeds: expected a whole number'],
  ['scripts/run.mjs', ['tests'], 'usage: node scripts/run.mjs'],
])('%s %j is refused', (script, args, message) => {
  const { status, stdout, stderr } = run(script, ...args);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain(message);
});
