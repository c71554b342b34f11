import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { link, pack, platforms } from '../scripts/prebuilt.mjs';
import { platformName } from '../src/index';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prebuilt-'));
  mkdirSync(join(folder, 'native'));
  writeFileSync(join(folder, 'LICENSE'), 'licence');
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'x', version: '1.2.3', license: 'Apache-2.0' }));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a packed platform is a package that only that platform installs', () => {
  writeFileSync(join(folder, 'native', 'learngene.linux-arm64-musl.node'), 'binary');
  const out = pack(folder, 'linux-arm64-musl');
  const manifest = JSON.parse(readFileSync(join(out, 'package.json'), 'utf8'));
  expect(manifest).toMatchObject({
    name: '@learngene/backend-native-linux-arm64-musl',
    version: '1.2.3',
    os: ['linux'],
    cpu: ['arm64'],
    libc: ['musl'],
    main: 'learngene.linux-arm64-musl.node',
  });
  expect(readFileSync(join(out, manifest.main), 'utf8')).toBe('binary');
});

test('a missing binary and an unknown platform are named', () => {
  expect(() => pack(folder, 'darwin-x64')).toThrow('learngene.darwin-x64.node is missing');
  expect(() => pack(folder, 'plan9')).toThrow('plan9: expected one of linux-x64-gnu');
});

test('a release names all platforms, or none', () => {
  expect(() => link(folder)).toThrow('not packed: linux-x64-gnu');
  for (const { name } of platforms) {
    writeFileSync(join(folder, 'native', `learngene.${name}.node`), 'binary');
    pack(folder, name);
  }
  link(folder);
  const { optionalDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  expect(Object.keys(optionalDependencies)).toHaveLength(platforms.length);
  expect(optionalDependencies['@learngene/backend-native-darwin-arm64']).toBe('1.2.3');
});

test('this platform has a name of the table where a release has it', () => {
  expect(platformName()).toMatch(/^(linux-(x64|arm64)-(gnu|musl)|darwin-(x64|arm64)|win32-x64-msvc|.+)$/);
  if (process.platform === 'linux' && process.arch === 'x64') {
    expect(platforms.map(({ name }) => name)).toContain(platformName());
  }
});
