import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { run, start, succeed, trainTiny, until, windows } from './run';
import { imagesFolder } from './tiny-files';

const { folder, data } = imagesFolder();
const at = (...parts: string[]) => join(folder, ...parts);

beforeAll(async () => {
  for (const [name, rate] of [
    ['a', '0.001'],
    ['b', '0.002'],
  ]) {
    await succeed(...trainTiny(data, at(name), 4, '--learning-rate', rate));
  }
});

describe('learngene report', () => {
  test('writes the page of a run anew, and one that compares several', async () => {
    const own = readFileSync(at('a', 'report.html'), 'utf8');
    writeFileSync(at('a', 'report.html'), '');
    await succeed('report', at('a'));
    // Another engine reads the spectra, so that their last digits differ.
    const headings = (page: string) => page.match(/<h2>[^<]+|aria-label="[^"]+/g);
    expect(headings(readFileSync(at('a', 'report.html'), 'utf8'))).toEqual(headings(own));
    expect(own).toContain('Component spectra');
    const { stdout } = await succeed('report', at('a'), at('b'), '--out', at('both.html'), '--json');
    expect(JSON.parse(stdout)).toEqual({ runs: [at('a'), at('b')], files: [at('both.html')] });
    expect(readFileSync(at('both.html'), 'utf8')).toContain('training.learningRate');
    const again = await run('report', at('a'), at('b'), '--out', at('both.html'));
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('exists already; give --force')]);
  }, 180_000);

  test('exports logs, and writes no page then', async () => {
    const page = readFileSync(at('a', 'report.html'), 'utf8');
    await succeed('report', at('a'), '--csv', at('logs.csv'), '--tensorboard', at('logs'));
    expect(readFileSync(at('logs.csv'), 'utf8')).toMatch(/^run,step,time,loss,/);
    expect(existsSync(at('logs', 'a'))).toBe(true);
    expect(readFileSync(at('a', 'report.html'), 'utf8')).toBe(page);
    const again = await run('report', at('a'), '--tensorboard', at('logs'));
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('give --force to replace them')]);
  });

  test.each([
    [['report'], "missing required argument 'runs'"],
    [['report', 'nothing'], 'nothing: not a run folder'],
    [['report', 'nothing', '--port', '80'], '--port: has a part only with --watch'],
    [['report', 'nothing', '--watch', '--csv', 'a.csv'], '--csv: has no part in --watch'],
    [['config', 'steps'], '<key>: there is no steps; did you mean training.steps or sampling.steps?'],
    [['config', '--force'], '--force: has a part only with --json-schema'],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await run(...args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  test.skipIf(windows)('--watch serves the page until it is interrupted', async () => {
    const { child, finished } = start(['report', at('a'), '--watch']);
    let said = '';
    child.stdout?.on('data', (text) => {
      said += text;
    });
    await until(() => said.includes('Ctrl-C'));
    const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(said)?.[0] ?? '';
    expect(await (await fetch(url)).text()).toContain('KIND pre-training');
    child.kill('SIGINT');
    const { code } = await finished;
    expect(code).toBe(0);
  });
});

describe('learngene config', () => {
  test('prints keys, and writes a schema that a configuration may name', async () => {
    const { stdout } = await succeed('config', 'training.steps', '--json');
    expect(JSON.parse(stdout)).toMatchObject([{ key: 'training.steps', default: 2000 }]);
    await succeed('config', '--json-schema', at('learngene.schema.json'));
    const config = { $schema: './learngene.schema.json', training: { steps: 3 } };
    writeFileSync(at('config.json'), JSON.stringify(config));
    const dry = await succeed('train', '--data', data, '--config', at('config.json'), '--out', at('c'), '--dry-run');
    expect(dry.stdout).toContain('"steps": 3');
    expect(dry.stdout).not.toContain('$schema');
  });
});
