import { linalgName, registerLinalg } from '@learngene/tensor-svd';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { chooseEngine, engines } from './choose-engine';
import type { EngineLoad, EngineName } from './types';

/** A tfjs backend of its own for each engine, so that a wrong choice shows in which backend is active. */
const backendOf = (name: EngineName) => `backend of ${name}`;
for (const { name } of engines) tf.registerBackend(backendOf(name), () => new MathBackendCPU());

const missing: EngineLoad = { ok: false, reason: 'not installed', remedy: 'npm install it' };

/** Replaces what the engines' load gives; those that are not named are missing. */
function stub(loads: Partial<Record<EngineName, EngineLoad>>): void {
  for (const engine of engines) {
    const load = loads[engine.name] ?? missing;
    vi.spyOn(engine, 'load').mockResolvedValue(load.ok ? { ...load, backend: backendOf(engine.name) } : load);
    // It watches the device of the backend, and the stubs have none.
    if (engine.name === 'webgpu') vi.spyOn(engine, 'selected').mockImplementation(() => {});
  }
}
const loaded = (accelerated: boolean): EngineLoad => ({
  ok: true,
  backend: '',
  detail: accelerated ? 'a device' : 'a software adapter',
  accelerated,
});
afterEach(() => vi.restoreAllMocks());

describe('chooseEngine', () => {
  test('auto tries in the documented order', async () => {
    expect(engines.map(({ name }) => name)).toEqual(['tfjs-node-gpu', 'webgpu', 'native', 'tfjs-node', 'wasm', 'cpu']);
    stub({ 'tfjs-node-gpu': loaded(true), cpu: loaded(false) });
    expect(await chooseEngine('auto')).toMatchObject({ name: 'tfjs-node-gpu', why: 'first choice' });
    expect(tf.getBackend()).toBe(backendOf('tfjs-node-gpu'));
    vi.restoreAllMocks();
    stub({ wasm: loaded(false), cpu: loaded(false) });
    const chosen = await chooseEngine('auto');
    expect(chosen.name).toBe('wasm');
    expect(chosen.why).toContain(
      'tfjs-node-gpu: not installed; webgpu: not installed; native: not installed; tfjs-node: not installed',
    );
    expect(tf.getBackend()).toBe(backendOf('wasm'));
  });
  test('auto passes over a software adapter, and takes a real one', async () => {
    stub({ webgpu: loaded(false), cpu: loaded(false) });
    const chosen = await chooseEngine('auto');
    expect([chosen.name, chosen.why]).toEqual(['cpu', expect.stringContaining('webgpu: a software adapter')]);
    expect(tf.getBackend()).toBe(backendOf('cpu'));
    vi.restoreAllMocks();
    stub({ webgpu: loaded(true), 'tfjs-node': loaded(false) });
    expect((await chooseEngine('auto')).name).toBe('webgpu');
    expect(tf.getBackend()).toBe(backendOf('webgpu'));
  });
  test('an engine by name says why it cannot be used, and what to do', async () => {
    stub({});
    await expect(chooseEngine('tfjs-node')).rejects.toThrow(
      '--engine tfjs-node: not installed. Remedy: npm install it',
    );
    await expect(chooseEngine('auto')).rejects.toThrow('no engine could be loaded');
  });
  test('tells an engine that it was selected, and no other', async () => {
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

test.each(['wasm', 'cpu'] as const)('%s comes with the package: it is selected and multiplies', async (name) => {
  expect(await chooseEngine(name)).toMatchObject({ name, why: 'asked for' });
  expect(tf.getBackend()).toBe(name);
  expect(tf.matMul([[1, 2]], [[3], [4]]).arraySync()).toEqual([[11]]);
});

test('auto takes the first engine that loads on this machine', async () => {
  const loads = await Promise.all(engines.map(async (engine) => ({ name: engine.name, load: await engine.load() })));
  const first = loads.find(({ name, load }) => load.ok && (name !== 'webgpu' || load.accelerated));
  const { name, why } = await chooseEngine('auto');
  expect(name).toBe(first?.name);
  expect(first?.load.ok && first.load.backend).toBe(tf.getBackend());
  for (const { name: passed } of loads.slice(
    0,
    loads.findIndex((one) => one === first),
  ))
    expect(why).toContain(`${passed}: `);
});
