import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { bin, startProgram, succeed, trainTiny, windows, writeImages } from './run';

const folder = temporaryFolder('cli');
const data = join(folder, 'images.safetensors');
const run = join(folder, 'run');
const source = ['--data', 'packed', '--data-path', data];
const engine = ['--engine', 'cpu'];

beforeAll(async () => {
  await writeImages(data);
  await succeed(...trainTiny(data, run, 2, '--quiet'));
});

/** Runs the command where no file may grow: every write fails as on a full disk. */
function runWithoutSpace(args: readonly string[]) {
  const limited = `trap '' XFSZ; ulimit -f 0; exec "$0" "$@"`;
  return startProgram('bash', ['-c', limited, process.execPath, bin, ...args]).finished;
}

test.skipIf(windows).concurrent.each<[string, (out: string) => string[], string]>([
  ['train', (out) => trainTiny(data, out, 1), 'config.json'],
  ['data prepare', (out) => ['data', 'prepare', ...source, '--out', `${out}.safetensors`], '.safetensors'],
  ['data latents', (out) => ['data', 'latents', ...source, '--vae', 'emoji', '--out', out, ...engine], 'labels'],
  ['vae train', (out) => ['vae', 'train', ...source, '--out', out, '--steps', '1', ...engine], 'config.json'],
  ['data list', (out) => ['data', 'list', ...source, '--grid', `${out}.png`], '.png'],
  ['sample', (out) => ['sample', '--from', run, '--out', `${out}.png`, '--count', '1', ...engine], '.png'],
  ['decompose', (out) => ['decompose', '--from', run, '--out', out, ...engine], 'kind.json'],
  ['assemble', (out) => ['assemble', '--from', run, '--out', out, '--classes', 'dots', ...engine], 'kind.json'],
  [
    'assemble --form dense',
    (out) => [
      'assemble',
      '--from',
      run,
      '--out',
      `${out}.safetensors`,
      '--classes',
      'dots',
      '--form',
      'dense',
      ...engine,
    ],
    '.safetensors',
  ],
  [
    'evaluate --classifier',
    (out) => [
      ...['evaluate', '--from', run, ...source, '--count', '4', '--classifier', `${out}.safetensors`],
      ...engine,
      '--classifier-steps',
      '1',
    ],
    '.safetensors',
  ],
  ['bench transfer', (out) => ['bench', 'transfer', '--smoke', '--out', out, ...engine], 'plan.json'],
])('%s names the file that cannot be written and leaves nothing', async (name, args, file) => {
  const place = join(folder, name.replaceAll(' ', '-'));
  mkdirSync(place);
  const { code, stdout, stderr } = await runWithoutSpace([...args(join(place, 'out')), '--quiet']);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toMatch(/^error .*out.*: cannot write: the file would be larger than the system allows \(EFBIG\)/);
  expect(stderr).toContain(file);
  expect([code, stdout]).toEqual([1, '']);
  const left = existsSync(place) ? readdirSync(place, { recursive: true }).map(String) : [];
  expect(left.filter((path) => /\.(json|safetensors|png|tmp)$/.test(path))).toEqual([]);
});

test.skipIf(windows)('a change of a bundle on a full disk leaves every file as it was', async () => {
  const bundle = join(folder, 'kept');
  await succeed('decompose', '--from', run, '--out', bundle, ...engine, '--quiet');
  const contents = () =>
    readdirSync(bundle, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name), 'base64')]);
  const before = contents();
  for (const args of [
    ['remove', bundle, 'dots'],
    ['rename', bundle, 'dots', 'spots'],
  ]) {
    const { code, stderr } = await runWithoutSpace(['bundle', ...args, '--quiet']);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^error .*kept\/.*: cannot write: the file would be larger/),
    ]);
    expect(contents()).toEqual(before);
  }
});
