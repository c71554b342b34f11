import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { chooseFrom } from './choose';
import { cpu } from './cpu';
import { EngineError } from './errors';
import { wasm } from './node/wasm';
import { type Engine, type EngineLoad, type EngineName, type LoadedEngine, NODE_ENGINE_NAMES } from './types';

const selected: string[] = [];

/** A backend of its own for each engine, so that a wrong choice shows in which one is active. */
const backendOf = (name: EngineName) => `backend of ${name}`;
for (const name of [...NODE_ENGINE_NAMES, 'webgl'] as const)
  tf.registerBackend(backendOf(name), () => new MathBackendCPU());

/** An engine of the list that a test hands over: what its load gives, on plain JavaScript. */
function engine(name: EngineName, load: Partial<LoadedEngine> | 'missing', more: Partial<Engine> = {}): Engine {
  const result: EngineLoad =
    load === 'missing'
      ? { ok: false, reason: `${name} is not installed`, remedy: `install ${name}` }
      : { ok: true, backend: backendOf(name), detail: `${name} here`, accelerated: false, ...load };
  return { name, title: name, load: async () => result, selected: () => selected.push(name), ...more };
}

describe('chooseFrom, automatically', () => {
  test('takes the first that loads, and says why the others were passed over', async () => {
    expect(await chooseFrom([engine('webgl', {}), engine('wasm', {})], 'auto')).toEqual({
      name: 'webgl',
      detail: 'webgl here',
      why: 'first choice',
    });
    const list = [engine('native', 'missing'), engine('tfjs-node', 'missing'), engine('wasm', {}), engine('cpu', {})];
    expect(await chooseFrom(list, 'auto')).toEqual({
      name: 'wasm',
      detail: 'wasm here',
      why: 'passed over native: native is not installed; tfjs-node: tfjs-node is not installed',
    });
    expect(tf.getBackend()).toBe(backendOf('wasm'));
  });

  test.each<[string, boolean, EngineName, string]>([
    ['passes over a program in the place of a graphics processor', false, 'cpu', 'passed over webgpu: a program'],
    ['takes a graphics processor', true, 'webgpu', 'first choice'],
  ])('%s', async (_, accelerated, name, why) => {
    const webgpu = engine('webgpu', { detail: 'a program', accelerated }, { acceleratorOnly: true });
    expect(await chooseFrom([webgpu, engine('cpu', {})], 'auto')).toMatchObject({ name, why });
    expect(tf.getBackend()).toBe(backendOf(name));
  });

  test('passes over an engine whose backend does not start', async () => {
    tf.registerBackend('never-starts', () => {
      throw new Error('no device');
    });
    const list = [engine('webgl', { backend: 'never-starts' }), engine('cpu', {})];
    tf.enableProdMode(); // tfjs warns of it
    expect(await chooseFrom(list, 'auto')).toMatchObject({
      name: 'cpu',
      why: 'passed over webgl: its backend could not be started',
    });
    await expect(chooseFrom(list, 'webgl')).rejects.toThrow('engine webgl: its backend could not be started');
    tf.removeBackend('never-starts');
  });

  test('does not pass over an engine that something insists on', async () => {
    const native = engine('native', 'missing', { demandedBy: () => 'SOME_VARIABLE' });
    await expect(chooseFrom([native, engine('cpu', {})], 'auto')).rejects.toThrow(
      'SOME_VARIABLE: native is not installed. Remedy: install native',
    );
  });

  test('says of every engine why none could be loaded', async () => {
    await expect(chooseFrom([engine('wasm', 'missing'), engine('cpu', 'missing')], 'auto')).rejects.toThrow(
      'no engine could be loaded (wasm: wasm is not installed; cpu: cpu is not installed)',
    );
  });
});

describe('chooseFrom, by name', () => {
  test('an engine that cannot be used is an error with the reason and the remedy', async () => {
    const error = await chooseFrom([engine('native', 'missing'), engine('cpu', {})], 'native').catch((error) => error);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({
      message: 'engine native: native is not installed. Remedy: install native',
      engine: 'native',
      reason: 'native is not installed',
      remedy: 'install native',
    });
  });

  test('a software adapter is used where it is asked for', async () => {
    const webgpu = engine('webgpu', { detail: 'a program' }, { acceleratorOnly: true });
    expect(await chooseFrom([webgpu], 'webgpu')).toEqual({ name: 'webgpu', detail: 'a program', why: 'asked for' });
  });

  test('a name that is not in the list is refused', async () => {
    await expect(chooseFrom([cpu, wasm] as Engine[], 'native')).rejects.toThrow(
      'expected auto or one of cpu, wasm, got native',
    );
  });

  test('tells the engine that it was selected, and no other', async () => {
    selected.length = 0;
    const list = [engine('native', {}), engine('wasm', {}), engine('cpu', {})];
    await chooseFrom(list, 'wasm');
    await chooseFrom(list, 'auto');
    expect(selected).toEqual(['wasm', 'native']);
  });
});

test.each([cpu, wasm])('$name loads, is selected and computes', async ({ name }) => {
  expect(await chooseFrom([wasm, cpu] as Engine[], name)).toMatchObject({ name, why: 'asked for' });
  expect(tf.getBackend()).toBe(name);
  const product = tf.matMul(
    [
      [1, 2],
      [3, 4],
    ],
    [
      [5, 6],
      [7, 8],
    ],
  );
  expect(Array.from(await product.data())).toEqual([19, 22, 43, 50]);
});

test.each<[unknown, string]>([
  [{ wasmPath: 1 }, "options: expected only wasmPaths, threads, got 'wasmPath'"],
  [null, 'options: expected an object, got null'],
  ['/wasm/', 'options: expected an object, got /wasm/'],
])('chooseFrom refuses %j as options', async (options, message) => {
  for (const name of ['wasm', 'auto'] as const) {
    await expect(chooseFrom([engine('wasm', {})], name, options as never)).rejects.toThrow(message);
  }
});
