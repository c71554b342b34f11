import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { importOptional } from './optional-package';
import { findWorkspaceBuild, tfjsNode, tfjsNodeGpu } from './tensorflow';

vi.mock('./optional-package', () => ({ importOptional: vi.fn() }));
const load = vi.mocked(importOptional);

describe('findWorkspaceBuild', () => {
  const root = mkdtempSync(join(tmpdir(), 'learngene-build-'));
  const deep = join(root, 'apps', 'cli', 'dist');
  const build = join(root, 'tools', 'tfjs-node', 'build');
  afterAll(() => rmSync(root, { recursive: true }));

  test('finds a finished build above, and only a finished one', () => {
    mkdirSync(deep, { recursive: true });
    expect(findWorkspaceBuild(deep)).toBeUndefined();
    mkdirSync(build, { recursive: true });
    writeFileSync(join(build, 'package.json'), '{}');
    expect(findWorkspaceBuild(deep)).toBeUndefined();
    writeFileSync(join(build, 'built.json'), '{}');
    expect(findWorkspaceBuild(deep)).toBe(join(build, 'package.json'));
    expect(findWorkspaceBuild(root)).toBe(join(build, 'package.json'));
  });
});

describe('loading', () => {
  beforeAll(() => tf.setBackend('cpu'));
  afterEach(() => {
    if (tf.findBackendFactory('tensorflow')) tf.removeBackend('tensorflow');
    load.mockReset();
  });

  /** What importing the package does: registers its backend and selects it. */
  function imports(gpu: boolean): void {
    load.mockImplementation(async () => {
      const cpu = tf.findBackend('cpu');
      tf.registerBackend('tensorflow', () =>
        Object.assign(Object.create(cpu), { isUsingGpuDevice: gpu, dispose() {} }),
      );
      await tf.setBackend('tensorflow');
      return {};
    });
  }

  test('leaves the selected backend selected', async () => {
    imports(false);
    expect(await tfjsNode.load()).toMatchObject({ ok: true, backend: 'tensorflow', accelerated: false });
    expect(tf.getBackend()).toBe('cpu');
  });
  test('puts back what Node 23 removed before the package is imported', async () => {
    const util = createRequire(import.meta.url)('node:util');
    load.mockImplementation(async () => {
      expect([util.isNullOrUndefined(null), util.isNullOrUndefined(0), util.isArray([])]).toEqual([true, false, true]);
      return undefined;
    });
    await tfjsNode.load();
    expect(load).toHaveBeenCalledOnce();
  });
  test('where it is missing the remedy names the package and the tool', async () => {
    load.mockResolvedValue(undefined);
    expect(await tfjsNode.load()).toEqual({
      ok: false,
      reason: 'not installed',
      remedy: expect.stringMatching(/npm install @tensorflow\/tfjs-node .*node tools\/tfjs-node\/build\.mjs/),
    });
  });
  test('a package that does not load says why in one line', async () => {
    load.mockRejectedValue(new Error('libtensorflow.so.2: not found\nmore'));
    expect(await tfjsNode.load()).toMatchObject({ ok: false, reason: 'libtensorflow.so.2: not found' });
    load.mockResolvedValue({});
    expect(await tfjsNode.load()).toMatchObject({ ok: false, reason: 'loaded, but registered no backend' });
  });
  test('the CUDA package without a CUDA device is not the CUDA engine', async () => {
    imports(false);
    expect(await tfjsNodeGpu.load()).toMatchObject({ ok: false, reason: expect.stringContaining('no CUDA device') });
    tf.removeBackend('tensorflow');
    imports(true);
    expect(await tfjsNodeGpu.load()).toMatchObject({ ok: true, accelerated: true });
  });
});
