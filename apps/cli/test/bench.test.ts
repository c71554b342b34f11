import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tinyPlan } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import { json, run, start, windows, writeImages } from './run';

const folder = temporaryFolder('cli');
const at = (...names: string[]) => join(folder, ...names);
const images = at('images.safetensors');
const plan = at('plan.json');
const bench = (out: string, ...more: string[]) => {
  return ['bench', 'transfer', '--plan', plan, '--out', out, '--engine', 'cpu', ...more];
};

beforeAll(async () => {
  await writeImages(images);
  writeFileSync(plan, JSON.stringify(tinyPlan(images)));
  mkdirSync(at('other'));
  writeFileSync(at('other', 'letter.txt'), '');
});

const finished = (out: string) =>
  existsSync(join(out, 'trials'))
    ? readdirSync(join(out, 'trials')).filter((key) => existsSync(join(out, 'trials', key, 'result.json')))
    : [];

describe('bench transfer', () => {
  const out = at('whole');
  test.skipIf(windows)(
    'is stopped by Ctrl-C with its workers, and the same command ends it',
    async () => {
      const { child, finished: ended } = start(bench(out, '--jobs', '2'));
      for (let i = 0; i < 600 && !existsSync(join(out, 'classifiers')); i++) await sleep(50);
      child.kill('SIGINT');
      const { code, stderr } = await ended;
      expect([code, stderr]).toEqual([130, expect.stringContaining('the same command continues')]);
      expect(finished(out)).toEqual([]);
      const result = await json<{ trials: number; done: number; failed: unknown[]; report: string }>(
        ...bench(out, '--jobs', '2'),
      );
      expect(result).toMatchObject({ trials: 2, failed: [] });
      expect(finished(out)).toHaveLength(2);
      expect(readFileSync(result.report, 'utf8')).toContain('lora');
      expect(await json(...bench(out))).toMatchObject({ trials: 2, done: 0 });
    },
    180_000,
  );
  test('the report alone', async () => {
    expect(await json('bench', 'transfer', '--report-only', '--out', out)).toMatchObject({ trials: 2 });
  });
  test('a trial that fails does not stop the rest; the exit code tells', async () => {
    const broken = at('broken.json');
    // No patch of 3 pixels divides 8 of them; a budget needs no transfer and fails all the same.
    const input = tinyPlan(images);
    writeFileSync(broken, JSON.stringify({ ...input, model: { ...input.model, patchSize: 3 } }));
    const { code, stdout } = await run(
      'bench',
      'transfer',
      '--plan',
      broken,
      '--out',
      at('failing'),
      '--engine',
      'cpu',
      '--json',
      '--quiet',
    );
    const { failed } = JSON.parse(stdout) as { failed: { kind: string; message: string }[] };
    expect(code).toBe(1);
    expect(failed.filter(({ kind }) => kind === 'trial')).toHaveLength(2);
    expect(failed[0].message).toContain('patchSize');
    expect(readdirSync(at('failing', 'trials'))).toHaveLength(2);
  });
});

describe('wrong usage', () => {
  test.each<[string, string[], string]>([
    ['no plan', ['--out', at('x')], 'give one of --plan FILE, --smoke, --quick and --full'],
    ['two plans', ['--smoke', '--quick', '--out', at('x')], 'give one of'],
    ['no folder', ['--smoke'], '--out: give the folder'],
    ['a file that is no plan', ['--plan', images, '--out', at('x')], 'cannot be read as JSON'],
    ['a folder of something else', ['--smoke', '--out', at('other')], 'expected a new folder'],
    ['an unknown dataset', ['--smoke', '--data-path', 'cats=/tmp', '--out', at('x')], 'the plan has no dataset cats'],
    ['an unknown method', ['--smoke', '--only', 'magic', '--out', at('x')], 'no trial of magic'],
  ])('%s', async (_, args, message) => {
    const { code, stderr } = await run('bench', 'transfer', ...args, '--engine', 'cpu', '--quiet');
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
  test('plans are shown as JSON that --plan takes', async () => {
    const { stdout } = await run('bench', 'transfer', '--full', '--show-plan');
    const shown = at('shown.json');
    writeFileSync(shown, stdout);
    const { code, stdout: again } = await run('bench', 'transfer', '--plan', shown, '--show-plan');
    expect([code, JSON.parse(again)]).toEqual([0, JSON.parse(stdout)]);
  });
});

test('a benchmark package that is not installed is named, with how to install it', async () => {
  // Node's own error for a package that it does not find.
  const hook = `export async function resolve(name, context, next) {
    if (name !== '@learngene/transfer-benchmark') return next(name, context);
    throw Object.assign(new Error("Cannot find package '" + name + "' imported from here"), { code: 'ERR_MODULE_NOT_FOUND' });
  }`;
  const data = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
  const register = `import { register } from 'node:module'; register(${JSON.stringify(data(hook))});`;
  const env = { NODE_OPTIONS: `--import=${data(register)}` };
  const { code, stderr } = await start(['bench', 'transfer', '--smoke', '--show-plan'], { env }).finished;
  expect([code, stderr]).toEqual([2, expect.stringContaining('npm install @learngene/transfer-benchmark')]);
  const { code: other } = await start(['data', 'list', '--data', images], { env }).finished;
  expect(other).toBe(0);
});
