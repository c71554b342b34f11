import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import { run, succeed, trainTiny, writeImages } from './run';

const folder = temporaryFolder('cli');
const at = (...parts: string[]) => join(folder, ...parts);
const data = at('images.safetensors');
const source = ['--data', 'packed', '--data-path', data];

/** An engine that is not there: what is refused before an engine starts is not refused by its name. */
const gpu = ['--engine', 'tfjs-node-gpu'];

/** A folder in which nobody may make anything, root neither. */
const SYSTEM = '/sys/learngene-test';

beforeAll(async () => {
  await writeImages(data);
  await succeed(...trainTiny(data, at('run'), 2, '--quiet'));
  await succeed('decompose', '--from', at('run'), '--out', at('bundle'), '--engine', 'cpu', '--quiet');
  mkdirSync(at('docs'));
  writeFileSync(at('docs', 'smoke.md'), '# Results without marks\n');
});

/** Every command that writes, and each place that it writes to. */
const commands: [name: string, (place: string) => string[]][] = [
  ['train', (out) => ['train', ...source, '--out', out, ...gpu]],
  ['train --kind dense', (out) => ['train', ...source, '--kind', 'dense', '--out', out, ...gpu]],
  ['transfer', (out) => ['transfer', '--from', at('run'), ...source, '--classes', 'dots', '--out', out, ...gpu]],
  ['vae train', (out) => ['vae', 'train', ...source, '--out', out, ...gpu]],
  ['data list --grid', (out) => ['data', 'list', ...source, '--grid', `${out}.png`]],
  ['data merge', (out) => ['data', 'merge', ...source, '--by', 'wordnet', '--out', `${out}.json`]],
  ['data prepare', (out) => ['data', 'prepare', ...source, '--out', `${out}.safetensors`]],
  ['data latents', (out) => ['data', 'latents', ...source, '--vae', 'emoji', '--out', out, ...gpu]],
  ['sample --out', (out) => ['sample', '--from', at('run'), '--out', `${out}.png`, ...gpu]],
  ['sample --npz', (out) => ['sample', '--from', at('run'), '--out', at('a.png'), '--npz', `${out}.npz`, ...gpu]],
  ['evaluate', (out) => ['evaluate', '--from', at('run'), ...source, '--classifier', `${out}.safetensors`, ...gpu]],
  ['decompose', (out) => ['decompose', '--from', at('run'), '--out', out, ...gpu]],
  ['assemble', (out) => ['assemble', '--from', at('bundle'), '--out', out, ...gpu]],
  [
    'assemble --form dense',
    (out) => {
      const dense = ['--form', 'dense', '--classes', 'dots', '--out', `${out}.safetensors`];
      return ['assemble', '--from', at('bundle'), ...dense, ...gpu];
    },
  ],
  [
    'assemble --layout diffusers',
    (out) => {
      const dense = ['--form', 'dense', '--layout', 'diffusers', '--classes', 'dots', '--out', out];
      return ['assemble', '--from', at('bundle'), ...dense, ...gpu];
    },
  ],
  ['demo', (out) => ['demo', '--out', out, ...gpu]],
  ['bench transfer --out', (out) => ['bench', 'transfer', '--smoke', '--out', out, ...gpu]],
  ['bench transfer --docs', (docs) => ['bench', 'transfer', '--smoke', '--out', at('bench'), '--docs', docs, ...gpu]],
];

describe.skipIf(process.platform !== 'linux')(
  'a place that cannot be written is refused before an engine starts',
  () => {
    test.concurrent.each(commands)('%s', async (_, args) => {
      const { code, stdout, stderr } = await run(...args(join(SYSTEM, 'out')), '--quiet');
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).toMatch(
        /^error (--[a-z]+ )?\/sys\/learngene-test\/out\S*: cannot write: (permission denied|the operation is not permitted|the file system is read-only|no such file)/,
      );
      expect([code, stdout]).toEqual([1, '']);
    });
  },
);

describe('a place that leads through a file is refused before an engine starts', () => {
  test.concurrent.each(commands)('%s', async (_, args) => {
    const { code, stderr } = await run(...args(join(data, 'out')), '--quiet');
    expect([code, stderr]).toEqual([2, expect.stringMatching(/images\.safetensors is a file, not a folder/)]);
  });
});

test('a document without the marks of its results is refused before the benchmark runs, and kept', async () => {
  const args = ['bench', 'transfer', '--smoke', '--out', at('bench'), '--docs', at('docs'), ...gpu];
  const { code, stderr } = await run(...args, '--quiet');
  expect([code, stderr]).toEqual([1, expect.stringMatching(/smoke\.md: document: expected the marks/)]);
  expect(existsSync(at('bench'))).toBe(false);
});
