import { linalgName, registerLinalg } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { chooseEngine, engines } from './choose-engine';
import type { EngineLoad, EngineName } from './types';

const missing: EngineLoad = { ok: false, reason: 'not installed', remedy: 'npm install it' };

/** Replaces what the engines' load gives; those that are not named are missing. */
function stub(loads: Partial<Record<EngineName, EngineLoad>>): void {
  for (const engine of engines) {
    vi.spyOn(engine, 'load').mockResolvedValue(loads[engine.name] ?? missing);
    // It watches the device of the backend, and the stubs have none.
    if (engine.name === 'webgpu') vi.spyOn(engine, 'selected').mockImplementation(() => {});
  }
}
const loaded = (accelerated: boolean): EngineLoad => ({
  ok: true,
  backend: 'cpu',
  detail: accelerated ? 'a device' : 'a software adapter',
  accelerated,
});
afterEach(() => vi.restoreAllMocks());

describe('chooseEngine', () => {
  test('auto tries in the documented order', async () => {
    await import('@tensorflow/tfjs-backend-cpu');
    expect(engines.map(({ name }) => name)).toEqual(['tfjs-node-gpu', 'webgpu', 'native', 'tfjs-node', 'wasm', 'cpu']);
    stub({ 'tfjs-node-gpu': loaded(true), cpu: loaded(false) });
    expect(await chooseEngine('auto')).toMatchObject({ name: 'tfjs-node-gpu', why: 'first choice' });
    vi.restoreAllMocks();
    stub({ wasm: loaded(false), cpu: loaded(false) });
    const chosen = await chooseEngine('auto');
    expect(chosen.name).toBe('wasm');
    expect(chosen.why).toContain(
      'tfjs-node-gpu: not installed; webgpu: not installed; native: not installed; tfjs-node: not installed',
    );
    expect(tf.getBackend()).toBe('cpu');
  });
  test('auto passes over a software adapter, and takes a real one', async () => {
    stub({ webgpu: loaded(false), cpu: loaded(false) });
    const chosen = await chooseEngine('auto');
    expect([chosen.name, chosen.why]).toEqual(['cpu', expect.stringContaining('webgpu: a software adapter')]);
    vi.restoreAllMocks();
    stub({ webgpu: loaded(true), 'tfjs-node': loaded(false) });
    expect((await chooseEngine('auto')).name).toBe('webgpu');
  });
  test('an engine by name says why it cannot be used, and what to do', async () => {
    stub({});
    await expect(chooseEngine('tfjs-node')).rejects.toThrow(
      '--engine tfjs-node: not installed. Remedy: npm install it',
    );
    await expect(chooseEngine('auto')).rejects.toThrow('no engine could be loaded');
  });
  test('tells an engine that it was selected, and no other', async () => {
    await import('@tensorflow/tfjs-backend-cpu');
    const told: string[] = [];
    for (const engine of engines)
      engine.selected && vi.spyOn(engine, 'selected').mockImplementation(() => void told.push(engine.name));
    stub({ native: loaded(false), cpu: loaded(false) });
    await chooseEngine('cpu');
    expect(told).toEqual([]);
    await chooseEngine('native');
    expect(told).toEqual(['native']);
  });
  test('a software adapter is used where it is asked for', async () => {
    stub({ webgpu: loaded(false) });
    expect(await chooseEngine('webgpu')).toMatchObject({ name: 'webgpu', why: 'asked for' });
  });
});

test('decompositions are in Rust once the native engine is selected', async ({ skip }) => {
  const native = engines.find(({ name }) => name === 'native');
  if (!(await native?.load())?.ok) skip();
  const undo = registerLinalg({ name: 'before' });
  native?.selected?.();
  expect(linalgName()).toBe('native');
  undo();
});

test('the engines that come with the command load', async () => {
  for (const name of ['wasm', 'cpu']) {
    expect(await engines.find((engine) => engine.name === name)?.load()).toMatchObject({ ok: true, backend: name });
  }
});
