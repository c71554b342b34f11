import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import { start, succeed, trainTiny, windows, writeImages } from './run';

const folder = temporaryFolder('cli');
const data = join(folder, 'images.safetensors');
const run = join(folder, 'run');
const source = ['--data', 'packed', '--data-path', data];
/** Long enough that only a signal ends it. */
const endless = String(10_000_000);

beforeAll(async () => {
  await writeImages(data);
  await succeed(...trainTiny(data, run, 2, '--quiet'));
});

/** Starts the command, sends the signal once its stderr matches, and gives what it left. */
async function interrupt(args: readonly string[], when: RegExp, signal: NodeJS.Signals) {
  const { child, finished } = start(args, { timeout: 50_000 });
  let said = '';
  await new Promise<void>((resolve) => {
    child.stderr?.on('data', (chunk) => {
      said += chunk;
      if (when.test(said)) setTimeout(resolve, 1000);
    });
    child.on('close', resolve);
  });
  child.kill(signal);
  return finished;
}

describe.skipIf(windows).each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)('%s', (signal, exitCode) => {
  const sample = ['sample', '--from', run, '--count', endless, '--batch-size', '1'];
  const evaluate = ['evaluate', '--from', run, ...source, '--count', '4'];
  const engine = ['--engine', 'cpu'];
  test.concurrent.each<[string, string[], RegExp]>([
    ['samples are drawn', [...sample, '--count', '100000'], /Engine/],
    ['a classifier is trained', [...evaluate, '--classifier-steps', endless], /Sampling: /],
    [
      'a sample grid is drawn',
      trainTiny(
        data,
        join(folder, `grid-${signal}`),
        4,
        '--set',
        'training.sampleEvery=1',
        '--set',
        'sampling.steps=1000',
      ),
      /Engine/,
    ],
  ])('ends the command while %s', async (name, args, when) => {
    const out = join(folder, `${signal}-${name.replaceAll(' ', '-')}.png`);
    const more = args[0] === 'sample' ? ['--out', out] : [];
    const { code, stdout, stderr } = await interrupt([...args, ...more, ...engine], when, signal);
    expect(stderr).toMatch(/error .*interrupted/);
    expect([code, stdout]).toEqual([exitCode, '']);
    expect(existsSync(out)).toBe(false);
    expect(readdirSync(folder).filter((file) => file.endsWith('.tmp'))).toEqual([]);
  });
});
