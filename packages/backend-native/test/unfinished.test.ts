import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('unfinished.mjs', import.meta.url));

function ended(way: string, env: NodeJS.ProcessEnv = {}) {
  const options = { encoding: 'utf8' as const, env: { ...process.env, NODE_OPTIONS: '', ...env }, timeout: 60_000 };
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script, way], options);
  return { status, signal, stdout, stderr };
}

test('a process ends as it wants to while kernels are computed', () => {
  expect(ended('exit')).toMatchObject({ status: 3, signal: null });
  expect(ended('end')).toMatchObject({ status: 0, signal: null, stdout: 'done' });
  const thrown = ended('throw');
  expect(thrown).toMatchObject({ status: 1, signal: null });
  expect(thrown.stderr).toContain('Error: on purpose');
});

test.skipIf(process.platform === 'win32')('an interrupt ends it, or is handled by whoever listens', () => {
  expect(ended('interrupt')).toMatchObject({ status: null, signal: 'SIGINT' });
  expect(ended('handler')).toMatchObject({ status: 130, signal: null, stdout: 'handled 0.001' });
});

test('what fails later is told once, with its name, by whoever reads values', () => {
  const { status, stdout } = ended('failure', { LEARNGENE_SIMD: 'scalar' });
  expect(status).toBe(0);
  const [first, second] = JSON.parse(stdout);
  expect(first).toMatch(/^gemm: /);
  expect(second).toBe('nothing');
});
