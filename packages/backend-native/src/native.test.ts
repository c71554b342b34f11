import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadNative, platformName } from './index';

/** Loads the addon in a fresh process with some settings, and gives what came of it. */
function loadIn(env: Record<string, string>): string {
  const source = fileURLToPath(new URL('../dist/index.js', import.meta.url));
  const script = `import('${source}').then(({ loadNative }) => { try { const a = loadNative();
    console.log('loaded', a.simdLevel(), a.threadCount()) } catch (error) { console.log(error.name, error.message, '|', error.remedy) } })`;
  const { stdout } = spawnSync(process.execPath, ['-e', script], { env: { ...process.env, ...env }, encoding: 'utf8' });
  return stdout.trim();
}

test('the addon is loaded once', () => {
  expect(loadNative()).toBe(loadNative());
});

test('a binary that does not load gives the reason and a remedy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'native-'));
  const file = join(folder, 'learngene.node');
  writeFileSync(file, 'not a library');
  const outcome = loadIn({ LEARNGENE_NATIVE_PATH: file });
  expect(outcome).toContain('NativeUnavailableError');
  expect(outcome).toContain('learngene.node does not load');
  expect(outcome).toContain('install Rust');
  expect(loadIn({ LEARNGENE_NATIVE_PATH: join(folder, 'absent.node') })).toContain('absent.node does not load');
  rmSync(folder, { recursive: true });
});

test('threads and the instruction set can be lowered', () => {
  expect(loadIn({ LEARNGENE_NUM_THREADS: '3', LEARNGENE_SIMD: 'scalar' })).toBe('loaded scalar 3');
  expect(platformName().split('-').length).toBeGreaterThan(1);
});
