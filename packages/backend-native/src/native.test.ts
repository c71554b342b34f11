import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { addonFileFault, loadNative, platformName } from './index';
import { checkLevel, checkSettings } from './settings';

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
  expect(outcome).toContain('| correct or unset LEARNGENE_NATIVE_PATH');
  expect(loadIn({ LEARNGENE_NATIVE_PATH: join(folder, 'absent.node') })).toContain('absent.node does not load');
  rmSync(folder, { recursive: true });
});

test('a binary that is cut off or of another processor is not loaded', () => {
  const folder = mkdtempSync(join(tmpdir(), 'native-'));
  const whole = fileURLToPath(new URL(`../native/learngene.${platformName()}.node`, import.meta.url));
  expect(addonFileFault(whole)).toBeUndefined();
  const bytes = readFileSync(whole);
  const write = (name: string, content: Uint8Array) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  // Without the check the process dies by SIGBUS when it runs a page that is not there.
  for (const [name, size] of [
    ['half', bytes.length >> 1],
    ['short', bytes.length - 1],
    ['head', 200],
  ] as const) {
    const outcome = loadIn({ LEARNGENE_NATIVE_PATH: write(`${name}.node`, bytes.subarray(0, size)) });
    expect(outcome).toMatch(
      new RegExp(`^NativeUnavailableError .*${name}.node does not load: is cut off: expected at least`),
    );
  }
  const foreign = Buffer.from(bytes);
  foreign.writeUInt16LE(process.arch === 'x64' ? 183 : 62, 18);
  if (process.platform === 'linux') {
    expect(loadIn({ LEARNGENE_NATIVE_PATH: write('foreign.node', foreign) })).toContain('was built for linux');
  }
  expect(loadIn({ LEARNGENE_NATIVE_PATH: write('empty.node', new Uint8Array()) })).toContain(
    'is no 64-bit library (0 bytes)',
  );
  rmSync(folder, { recursive: true });
});

test.each([
  ['LEARNGENE_NUM_THREADS', '0', 'expected a whole number from 1 to 256, got 0'],
  ['LEARNGENE_NUM_THREADS', 'abc', 'got abc'],
  ['LEARNGENE_NUM_THREADS', '-1', 'got -1'],
  ['LEARNGENE_NUM_THREADS', '1.5', 'got 1.5'],
  ['LEARNGENE_NUM_THREADS', '257', 'got 257'],
  ['LEARNGENE_SIMD', 'bogus', 'got bogus'],
  ['LEARNGENE_SIMD', process.arch === 'x64' ? 'neon' : 'avx2', 'on '],
])('%s=%s is refused by name', (name, value, message) => {
  const outcome = loadIn({ [name]: value });
  expect(outcome).toMatch(new RegExp(`^RangeError ${name}: expected`));
  expect(outcome).toContain(message);
});

test('a level that the processor has not got is refused', () => {
  expect(() => checkLevel('avx2', { LEARNGENE_SIMD: 'avx512' })).toThrow('this processor has avx2 at most');
  expect(() => checkLevel('avx2', { LEARNGENE_SIMD: '' })).not.toThrow();
  expect(() => checkSettings({ LEARNGENE_NUM_THREADS: ' 4 ' })).not.toThrow();
});

test('threads and the instruction set can be lowered', () => {
  expect(loadIn({ LEARNGENE_NUM_THREADS: '3', LEARNGENE_SIMD: 'scalar' })).toBe('loaded scalar 3');
  expect(platformName().split('-').length).toBeGreaterThan(1);
});
