import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const reporter = join(root, 'scripts', 'count-reporter.mjs');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');

/** The output of a run of test files, whose folder lies where they find vitest. */
function linesOf(files: Readonly<Record<string, string>>): { lines: string[]; status: number | null } {
  const folder = mkdtempSync(join(root, 'node_modules', '.cache', 'count-reporter-'));
  try {
    writeFileSync(join(folder, 'vitest.config.mjs'), 'export default {}');
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(folder, name), `import { beforeAll, describe, expect, it, test } from 'vitest';\n${text}`);
    }
    const args = [vitest, 'run', '--root', folder, '--reporter=dot', `--reporter=${reporter}`];
    const env = { ...process.env, FORCE_COLOR: '1' };
    const { stdout, status } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env });
    return { lines: stdout.trimEnd().split('\n'), status };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a run in which all is well ends with its count alone', () => {
  const { lines, status } = linesOf({ 'a.test.mjs': "test('one', () => {});\ntest.skip('two', () => {});" });
  expect(lines.at(-1)).toBe('1 passed, 0 failed');
  expect(lines).not.toContain('Failed tests:');
  expect(status).toBe(0);
});

test('failed tests, hooks, files and stray errors end the output by name and message', () => {
  const { lines, status } = linesOf({
    'a.test.mjs': `
      test('adds', () => expect(1 + 1).toBe(3));
      describe('a group', () => {
        it('says why', () => { throw new TypeError('first\\n\\nsecond\\nthird\\nfourth\\nfifth'); });
        it('is well', () => {});
      });`,
    'hook.test.mjs': `
      describe('a suite', () => {
        beforeAll(() => { throw new Error('no folder'); });
        it('is not run', () => {});
      });`,
    'load.test.mjs': "throw new Error('cannot load');",
    'stray.test.mjs': `
      test('passes, but leaves a promise', async () => {
        Promise.reject(new RangeError('nobody waits'));
        await new Promise((resolve) => setTimeout(resolve, 20));
      });`,
  });
  const block = lines.slice(lines.indexOf('Failed tests:'));
  expect(block.slice(0, 3)).toEqual(['Failed tests:', '- outside any test', '    RangeError: nobody waits']);
  const after = (name: string, count: number) => block.slice(block.indexOf(`- ${name}`) + 1).slice(0, count);
  expect(after('a.test.mjs > adds', 1)).toEqual(['    AssertionError: expected 2 to be 3 // Object.is equality']);
  expect(after('a.test.mjs > a group > says why', 5)).toEqual([
    '    TypeError: first',
    '    second',
    '    third',
    '    fourth',
    expect.stringMatching(/^- |passed/),
  ]);
  expect(after('hook.test.mjs > a suite', 1)).toEqual(['    Error: no folder']);
  expect(after('load.test.mjs', 1)).toEqual(['    Error: cannot load']);
  expect(block.at(-1)).toBe('2 passed, 5 failed');
  expect(status).toBe(1);
});

test('tests on real data are counted, those that were left out too', () => {
  const { lines } = linesOf({
    'a.test.mjs': `
      test('one', () => {});
      test('real data: two', () => {});
      describe.skip('real data', () => {
        test('three', () => {});
        test('four', () => {});
      });`,
  });
  expect(lines.slice(-2)).toEqual(['real data: 1 of 3 tests ran', '2 passed, 0 failed']);
});
