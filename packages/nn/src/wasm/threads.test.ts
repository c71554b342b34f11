import { createHash } from 'node:crypto';
import { type EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { expectClose, expectNoLeak } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { cases, optimise, run } from '../../test/wasm-cases';
import { registerGradients } from '../gradients';
import { registerWasmTrainingKernels, useWasmThreads, WasmThreadsError, wasmThreads } from '../wasm';
import { withSharedMemory } from './shared-memory';

const file = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm');
const readBinary = () => readFile(file);

/** Starts the backend anew. */
async function start(threads: number): Promise<void> {
  if (wasmThreads() !== undefined) tf.removeBackend('wasm');
  await useWasmThreads({ threads, readBinary });
  expect(await tf.setBackend('wasm')).toBe(true);
}

const works: [name: string, work: () => Float32Array[], atol: number][] = [
  ...cases.map((each): [string, () => Float32Array[], number] => [each.name, () => run(each), each.atol ?? 2e-5]),
  ['a step of the optimiser', optimise, 1e-5],
];

beforeAll(() => {
  registerWasmTrainingKernels();
  registerGradients();
});

afterEach(() => vi.unstubAllGlobals());

describe('the kernels', () => {
  test('compute on one thread as on cpu, and on more threads the same bits; no leak', async () => {
    await tf.setBackend('cpu');
    const expected = works.map(([, work]) => work());
    await start(1);
    const alone = works.map(([, work]) => work());
    for (const [i, [name, , atol]] of works.entries()) {
      for (const [j, values] of alone[i].entries()) {
        const close = () => expectClose(values, expected[i][j], { rtol: 1e-4, atol });
        expect(close, `${name}, output ${j}`).not.toThrow();
      }
    }
    for (const threads of [2, 5]) {
      await start(threads);
      expect(wasmThreads()).toBe(threads);
      for (const [i, [name, work]] of works.entries()) {
        expect(work().map(bytesOf), `${name} on ${threads} threads`).toEqual(alone[i].map(bytesOf));
      }
      await expectNoLeak(() => works.forEach(([, work]) => void work()));
    }
  });

  test('agree with the plain loops to the last bit where a step of the optimiser has no compiled one', async () => {
    await start(2);
    const compiled = optimise().map(bytesOf);
    const backend = tf.backend() as unknown as { wasm: object; dataIdNextNumber: number };
    const hidden = Object.create(backend.wasm, { asm: { value: undefined } });
    const twin = Object.create(backend, {
      wasm: { value: hidden },
      dataIdNextNumber: { get: () => backend.dataIdNextNumber, set: (id) => (backend.dataIdNextNumber = id) },
    });
    const kernel = tf.getKernel('LearngeneAdamWEma', 'wasm');
    const { kernelFunc } = kernel;
    tf.unregisterKernel('LearngeneAdamWEma', 'wasm');
    tf.registerKernel({ ...kernel, kernelFunc: (args) => kernelFunc({ ...args, backend: twin }) });
    expect(optimise().map(bytesOf)).toEqual(compiled);
    tf.unregisterKernel('LearngeneAdamWEma', 'wasm');
    tf.registerKernel(kernel);
  });
});

describe('useWasmThreads', () => {
  test('starts so many workers, none of which keeps the process alive, and ends them with the backend', async () => {
    const threads = createRequire(import.meta.url)('node:worker_threads') as { Worker: typeof Worker };
    const { Worker: Original } = threads;
    const ends: Promise<unknown>[] = [];
    threads.Worker = class extends (Original as never as new (...args: unknown[]) => EventEmitter) {
      constructor(...args: unknown[]) {
        super(...args);
        ends.push(once(this, 'exit'));
      }
    } as never;
    const alive = () => process.getActiveResourcesInfo().filter((name) => /Worker|MessagePort/.test(name)).length;
    if (wasmThreads() !== undefined) tf.removeBackend('wasm');
    const before = alive();
    try {
      await useWasmThreads({ threads: 3, readBinary });
      expect(ends.length).toBe(2);
      expect(alive()).toBeLessThanOrEqual(before);
      expect(wasmThreads()).toBeUndefined(); // the backend has not been started
      await tf.setBackend('wasm');
      expect(alive()).toBeLessThanOrEqual(before);
      expect(wasmThreads()).toBe(3);
      await useWasmThreads({ threads: 3, readBinary }); // they run already
      expect(ends.length).toBe(2);
      tf.removeBackend('wasm');
      await Promise.all(ends);
    } finally {
      threads.Worker = Original;
    }
  });

  test('keeps those that wait for the backend, or ends them for another number', async () => {
    if (wasmThreads() !== undefined) tf.removeBackend('wasm');
    const read = vi.fn(readBinary);
    for (const threads of [2, 2, 4, 1]) await useWasmThreads({ threads, readBinary: read });
    expect(read).toHaveBeenCalledTimes(3);
    expect(await tf.setBackend('wasm')).toBe(true);
    expect(wasmThreads()).toBe(1);
    expect(Array.from(tf.add([1, 2], [3, 4]).dataSync())).toEqual([4, 6]);
  });

  test('grows the heap under the threads', async () => {
    await start(2);
    const { HEAPU8 } = (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm;
    const [a, b] = [tf.fill([4096, 2048], 1), tf.fill([2048, 16], 2)]; // 34 MB
    expect(HEAPU8.length).toBeLessThan(4 * 4096 * 2048);
    const product = tf.matMul(a, b);
    expect(new Set(product.dataSync())).toEqual(new Set([4096]));
    tf.dispose([a, b, product]);
  });

  test.each([0, 1.5, 257, Number.NaN, '2'])('refuses %s threads', async (threads) => {
    const message = `threads: expected a whole number from 1 to 256, got ${threads}`;
    await expect(useWasmThreads({ threads: threads as number, readBinary })).rejects.toThrow(new RangeError(message));
  });

  test('refuses another number while the backend runs', async () => {
    await start(2);
    await expect(useWasmThreads({ threads: 3, readBinary })).rejects.toMatchObject({
      reason: 'the wasm backend already runs with 2 threads',
      remedy: "ask for 2, or call tf.removeBackend('wasm') first",
    });
  });

  test('says what is missing, and leaves the backend as it is', async () => {
    if (wasmThreads() !== undefined) tf.removeBackend('wasm');
    await useWasmThreads({ threads: 1, readBinary });
    const factory = tf.findBackendFactory('wasm');
    const refused = (read = readBinary) => useWasmThreads({ threads: 2, readBinary: read }).catch((error) => error);
    vi.stubGlobal('crossOriginIsolated', false);
    expect(await refused()).toBeInstanceOf(WasmThreadsError);
    expect(await refused()).toMatchObject({ reason: 'the page is not cross-origin isolated' });
    vi.unstubAllGlobals();
    const damaged = await refused(async () => new Uint8Array(20) as never);
    expect(damaged).toMatchObject({ reason: expect.stringContaining('no module whose memory can be shared') });
    vi.spyOn(URL, 'createObjectURL').mockReturnValueOnce('blob:nothing');
    expect(await refused()).toMatchObject({ reason: expect.stringMatching(/^blob: URLs cannot be fetched/) });
    expect(tf.findBackendFactory('wasm')).toBe(factory);
  });
});

test('withSharedMemory changes the flags of the memory alone, and refuses a module without a bounded one', async () => {
  const binary = await readBinary();
  const shared = withSharedMemory(binary);
  expect([...shared.entries()].filter(([i, byte]) => byte !== binary[i]).map(([, byte]) => byte)).toEqual([3]);
  const instance = (bytes: readonly number[]) => Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, ...bytes]);
  const message = 'expected a module whose one memory has a maximum';
  for (const bytes of [[], [5, 3, 1, 0, 1], [5, 4, 1, 3, 1, 2], [5, 1, 0]]) {
    expect(() => withSharedMemory(instance(bytes))).toThrow(message);
  }
});

/** What tells the bits of numbers from others. */
function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): string {
  return createHash('sha256')
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest('hex');
}
