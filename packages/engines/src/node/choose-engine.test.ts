// The engines as they are on this machine: those that load compute, the others are really missing.
import { availableParallelism } from 'node:os';
import { wasmThreads } from '@learngene/nn/wasm';
import { linalgName } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EngineError } from '../errors';
import { NODE_ENGINE_NAMES } from '../types';
import { chooseEngine, examineEngine, NODE_ENGINES } from './choose-engine';
import { findOptional } from './optional-package';
import { CPU_PACKAGE, findWorkspaceBuild, GPU_PACKAGE } from './tensorflow-package';

/** The npm packages without which an engine cannot load; of native, wasm and cpu none is optional. */
const NEEDS: Partial<Record<(typeof NODE_ENGINE_NAMES)[number], readonly string[]>> = {
  'tfjs-node-gpu': [GPU_PACKAGE.name],
  'tfjs-node': [CPU_PACKAGE.name],
  webgpu: ['webgpu', '@tensorflow/tfjs-backend-webgpu'],
};

/** Whether the optional packages of an engine are on this machine. */
function isInstalled(name: (typeof NODE_ENGINE_NAMES)[number]): boolean {
  const builds = { 'tfjs-node-gpu': GPU_PACKAGE.folder, 'tfjs-node': CPU_PACKAGE.folder } as Record<string, string>;
  const build = builds[name] && findWorkspaceBuild(builds[name]);
  return (NEEDS[name] ?? []).every((each) => findOptional(each, build) !== undefined);
}

test('auto prefers the documented order, of all engines that there are', () => {
  const order = ['tfjs-node-gpu', 'webgpu', 'native', 'tfjs-node', 'wasm', 'cpu'];
  expect(NODE_ENGINES.map(({ name }) => name)).toEqual(order);
  expect([...NODE_ENGINE_NAMES].sort()).toEqual([...order].sort());
});

describe.each(NODE_ENGINES.map((engine) => [engine.name, engine] as const))('%s', (name, engine) => {
  test('computes on its backend, or says what is missing and what to do', async () => {
    const load = await engine.load();
    if (load.ok) {
      expect(await chooseEngine(name)).toEqual({ name, detail: load.detail, why: 'asked for' });
      expect(tf.getBackend()).toBe(load.backend);
      const product = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2]));
      expect(Array.from(await product.data())).toEqual([19, 22, 43, 50]);
      return;
    }
    const error = await chooseEngine(name).catch((error) => error);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ engine: name, reason: load.reason, remedy: load.remedy });
    expect(error.message).toBe(`engine ${name}: ${load.reason}. Remedy: ${load.remedy}`);
    expect([load.reason, load.remedy]).not.toContain('');
  });

  test.skipIf(isInstalled(name))(
    'is missing: its packages are not installed here, and the remedy installs them',
    async () => {
      const load = await engine.load();
      expect(load.ok).toBe(false);
      if (load.ok) return;
      expect(load.reason).toMatch(/not installed$/);
      expect(load.remedy).toMatch(/npx --yes pnpm@\S+ (--dir \S+ )?add --workspace-root|tfjs-node.build\.mjs/);
    },
  );
});

test('wasm and cpu are everywhere', async () => {
  for (const name of ['wasm', 'cpu'] as const) {
    const load = await NODE_ENGINES.find((engine) => engine.name === name)?.load();
    expect(load).toMatchObject({ ok: true, backend: name, accelerated: false });
  }
});

describe('the threads of wasm', () => {
  const detailOf = async (options?: { threads?: number }) => (await chooseEngine('wasm', options)).detail;

  beforeEach(() => {
    if ('wasm' in tf.engine().registry) tf.removeBackend('wasm');
  });
  afterEach(() => vi.unstubAllEnvs());

  test('are those that are asked for, and others are refused while it runs', async () => {
    expect(await detailOf({ threads: 3 })).toBe('WebAssembly SIMD, 3 threads');
    expect(wasmThreads()).toBe(3);
    expect(await detailOf()).toBe('WebAssembly SIMD, 3 threads');
    await expect(chooseEngine('wasm', { threads: 2 })).rejects.toMatchObject({
      engine: 'wasm',
      reason: 'the wasm backend already runs with 3 threads',
      remedy: expect.stringContaining('removeBackend'),
    });
    tf.removeBackend('wasm');
    expect(await detailOf({ threads: 1 })).toBe('WebAssembly SIMD, 1 thread');
    expect(wasmThreads()).toBe(1);
  });

  test('come from LEARNGENE_NUM_THREADS, else there is one a core, 8 at most', async () => {
    vi.stubEnv('LEARNGENE_NUM_THREADS', '2');
    expect(await detailOf()).toBe('WebAssembly SIMD, 2 threads');
    tf.removeBackend('wasm');
    vi.stubEnv('LEARNGENE_NUM_THREADS', '');
    await detailOf();
    expect(wasmThreads()).toBe(Math.min(availableParallelism(), 8));
  });

  test('are refused where there cannot be so many, and for other engines', async () => {
    const message = 'threads: expected a whole number from 1 to 256, got 0';
    await expect(chooseEngine('wasm', { threads: 0 })).rejects.toMatchObject({ engine: 'wasm', reason: message });
    vi.stubEnv('LEARNGENE_NUM_THREADS', 'two');
    const reason = 'LEARNGENE_NUM_THREADS: expected a whole number from 1 to 256, got two';
    await expect(chooseEngine('wasm')).rejects.toMatchObject({ engine: 'wasm', reason });
    await expect(chooseEngine('cpu', { threads: 2 })).rejects.toThrow(
      new RangeError('options.threads: only the engine wasm takes it, the engine here is cpu'),
    );
  });
});

test('auto takes the first that loads here, and names the others with their reasons', async () => {
  const passed: string[] = [];
  for (const { name, acceleratorOnly, load } of NODE_ENGINES) {
    const result = await load();
    if (result.ok && (result.accelerated || !acceleratorOnly)) {
      const why = passed.length === 0 ? 'first choice' : `passed over ${passed.join('; ')}`;
      expect(await chooseEngine()).toEqual({ name, detail: result.detail, why });
      return;
    }
    passed.push(`${name}: ${result.ok ? result.detail : result.reason}`);
  }
  expect.unreachable();
});

test('decompositions are in Rust once the native engine is selected', async ({ skip }) => {
  if (!(await NODE_ENGINES.find(({ name }) => name === 'native')?.load())?.ok) skip();
  await chooseEngine('native');
  expect(linalgName()).toBe('native');
});

describe('examineEngine', () => {
  test('measures an engine that loads, and says so before', async () => {
    let said = 0;
    const report = await examineEngine('wasm', { milliseconds: 1, onMeasure: () => said++ });
    expect([report, said]).toEqual([
      {
        name: 'wasm',
        loads: true,
        detail: expect.stringMatching(/^WebAssembly SIMD, \d+ threads?$/),
        gemmGflops: expect.any(Number),
      },
      1,
    ]);
    expect(report.gemmGflops).toBeGreaterThan(0.01);
  });

  test('reports the reason and the remedy of every engine that does not', async () => {
    for (const { name, load } of NODE_ENGINES) {
      const result = await load();
      if (result.ok) continue;
      expect(await examineEngine(name)).toEqual({ name, loads: false, detail: result.reason, remedy: result.remedy });
    }
  });

  test('refuses a name that is none', async () => {
    await expect(examineEngine('cuda' as 'cpu')).rejects.toThrow('name: expected the name of an engine, got cuda');
  });
});
