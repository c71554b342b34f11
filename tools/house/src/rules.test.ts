import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { longSources } from './lengths.mjs';
import { packageLevels } from './levels.mjs';
import { thickCommand } from './thin-command.mjs';
import { manifest, withWorkspace } from './workspace-of.mjs';

const lines = (count: number) => '//\n'.repeat(count);

test('sources may have 300 lines, Rust 400, unless they are listed', () => {
  const files = {
    'packages/a/src/a.ts': lines(301),
    'packages/a/src/b.ts': lines(300),
    'packages/a/src/a.test.ts': lines(302),
    'scripts/c.mjs': lines(303),
    'packages/a/crates/d.rs': lines(401),
    'packages/a/crates/e.rs': lines(400),
    'README.md': lines(999),
    'dist/ignored.ts': lines(999),
  };
  withWorkspace(files, (workspace: never) => {
    expect(longSources(workspace, {})).toEqual([
      'packages/a/crates/d.rs: expected at most 400 lines, got 401',
      'packages/a/src/a.test.ts: expected at most 300 lines, got 302',
      'packages/a/src/a.ts: expected at most 300 lines, got 301',
      'scripts/c.mjs: expected at most 300 lines, got 303',
    ]);
    const allowed = { 'packages/a/src/a.ts': 'a list', 'packages/a/src/b.ts': 'a list', 'gone.ts': 'a list' };
    expect(longSources(workspace, allowed).slice(3)).toEqual([
      'packages/a/src/b.ts: is not too long and need not be listed in lengths.mjs',
      'gone.ts: is not too long and need not be listed in lengths.mjs',
    ]);
  });
});

const tags = (levels: Readonly<Record<string, readonly string[]>>) =>
  JSON.stringify({
    boundaries: {
      tags: Object.fromEntries(Object.entries(levels).map(([tag, allow]) => [tag, { dependencies: { allow } }])),
    },
  });

test('every package has one level, and a level may import those below', () => {
  const all = { testing: [], 'level-0': ['testing'], 'level-1': ['level-0', 'testing'] };
  const files = {
    'turbo.json': tags(all),
    'packages/a/package.json': manifest('a'),
    'packages/a/turbo.json': '{ "tags": ["level-0"] }',
    'packages/b/package.json': manifest('b'),
    'packages/b/turbo.json': '{ "tags": ["level-1"] }',
  };
  expect(withWorkspace(files, packageLevels)).toEqual([]);
  const expected = 'expected one tag of testing, level-0, level-1, got';
  expect(withWorkspace({ ...files, 'packages/c/package.json': manifest('c') }, packageLevels)).toEqual([
    `packages/c/turbo.json: ${expected} []`,
  ]);
  for (const wrong of ['["level-7"]', '["level-0","level-1"]', '[]']) {
    const json = { ...files, 'packages/b/turbo.json': `{ "tags": ${wrong} }` };
    expect(withWorkspace(json, packageLevels)).toEqual([`packages/b/turbo.json: ${expected} ${wrong}`]);
  }
  expect(withWorkspace({ ...files, 'turbo.json': tags({ ...all, 'level-0': ['level-1'] }) }, packageLevels)).toEqual([
    'turbo.json: level-0 may import level-1, expected testing',
  ]);
});

test('the command is short as a whole and file by file, and has no tensors', () => {
  const command = {
    'apps/cli/package.json': manifest('cli'),
    'apps/cli/src/commands/train.ts': lines(120),
    'apps/cli/src/commands/train.test.ts': `${lines(200)}import '@tensorflow/tfjs-core';`,
    'apps/cli/src/long.ts': lines(2120),
  };
  expect(withWorkspace(command, thickCommand)).toEqual([]);
  const thick = {
    ...command,
    'apps/cli/src/commands/train.ts': lines(121),
    'apps/cli/src/tensors.ts': "\nimport type { Tensor } from '@tensorflow/tfjs-core';\n",
  };
  expect(withWorkspace(thick, thickCommand)).toEqual([
    'apps/cli/src: expected at most 2240 lines without tests, got 2243',
    'apps/cli/src/commands/train.ts: expected at most 120 lines in a file of a command, got 121',
    "apps/cli/src/tensors.ts:2 imports '@tensorflow/tfjs-core': tensors belong to the packages",
  ]);
});

test('the check ends with 1 and says each violation, or with 0', () => {
  const check = fileURLToPath(new URL('../check.mjs', import.meta.url));
  const run = (root: string) => spawnSync(process.execPath, [check, root], { encoding: 'utf8' });
  const option = "export const text = 'npm install --global a';";
  const files = {
    'turbo.json': tags({ 'level-0': ['testing'] }),
    'scripts/a.mjs': lines(1),
    'packages/engines/src/node/install-command.ts': option,
    'packages/engines/src/node/tensorflow-package.ts': option,
    'packages/engines/src/node/tensorflow.ts': option,
    'packages/engines/src/node/vulkan.ts': option,
    'packages/report/src/style.ts': option,
  };
  withWorkspace(files, ({ root }: { root: string }) => {
    const { status, stderr } = run(root);
    expect(status).toBe(1);
    expect(stderr).toContain('Files that are too long:\n  packages/diffusion/src/options.test.ts: is not too long');
    expect(stderr).toMatch(/\n2 violations; /);
  });
  const list = {
    ...files,
    'packages/nn/test/plain-kernels.ts': lines(301),
    'packages/diffusion/src/options.test.ts': lines(301),
  };
  withWorkspace(list, ({ root }: { root: string }) => {
    expect(run(root)).toMatchObject({ status: 0, stderr: '', stdout: '11 files, no violations\n' });
  });
});
