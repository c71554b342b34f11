import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { describe, expect, test } from 'vitest';
import { installCommand } from './install-command';

const folder = temporaryFolder('install');

/** Writes empty files, or those with a content, and returns the path of a folder. */
function tree(name: string, files: Record<string, string>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name, path)), { recursive: true });
    writeFileSync(join(folder, name, path), text);
  }
  return join(folder, name);
}

const globalFile = join(
  tree('prefix', { 'lib/node_modules/@learngene/cli/node_modules/@learngene/engines/package.json': '{}' }),
  'lib/node_modules/@learngene/cli/node_modules/@learngene/engines/dist/node.js',
);

describe('installCommand', () => {
  test.each([
    ['pnpm-lock.yaml', 'pnpm add --allow-build=b a b'],
    ['yarn.lock', 'yarn add a b'],
    ['bun.lock', 'bun add a b'],
    ['bun.lockb', 'bun add a b'],
    ['package-lock.json', 'npm install a b'],
    ['none', 'npm install a b'],
  ])('in a project with %s', (lock, expected) => {
    const cwd = tree(`project-${lock}`, { 'package.json': '{}', [lock]: '', 'deep/down/file': '' });
    for (const at of [cwd, join(cwd, 'deep', 'down')]) {
      expect(installCommand(['a', 'b'], { cwd: at, self: globalFile }, { allowScripts: ['b'] })).toBe(expected);
    }
  });

  test('in a package of a workspace, whose lock file is further up', () => {
    const root = tree('monorepo', { 'pnpm-lock.yaml': '', 'package.json': '{}', 'packages/app/package.json': '{}' });
    expect(installCommand(['a'], { cwd: join(root, 'packages/app'), self: globalFile })).toBe('pnpm add a');
  });

  test('beside a global installation, and where there is no project at all', () => {
    const cwd = tree('nowhere', { file: '' });
    expect(installCommand(['a'], { cwd, self: globalFile })).toBe('npm install --global a');
    const npx = join(
      tree('npx', { 'package.json': '{}', 'node_modules/@learngene/engines/x': '' }),
      'node_modules/@learngene/engines/x',
    );
    expect(installCommand(['a'], { cwd, self: npx })).toBe('npm install a');
  });

  test('in a clone, with its own pnpm, from wherever', () => {
    const manifest = JSON.stringify({ name: 'learngene-workspace', packageManager: 'pnpm@10.34.9' });
    const root = tree('a clone', {
      'pnpm-workspace.yaml': '',
      'package.json': manifest,
      'packages/engines/dist/node.js': '',
    });
    const self = join(root, 'packages/engines/dist/node.js');
    const scripts = { allowScripts: ['a'] };
    expect(installCommand(['a@1'], { cwd: join(root, 'docs'), self }, scripts)).toBe(
      'npx --yes pnpm@10.34.9 add --workspace-root --allow-build=a a@1',
    );
    expect(installCommand(['a'], { cwd: folder, self })).toBe(
      `npx --yes pnpm@10.34.9 --dir "${root}" add --workspace-root a`,
    );
  });

  test('here, which is a clone', () => {
    expect(installCommand(['a'])).toMatch(/^npx --yes pnpm@[\d.]+ add --workspace-root a$/);
  });
});
