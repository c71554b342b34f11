import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';

/** What is used of tfjs's WebGPU backend. */
interface Backend extends tf.KernelBackend {
  device: GPUDevice;
  tensorMap: { get(dataId: object): { values?: tf.TypedArray | null; dtype: tf.DataType; resource: GPUBuffer } };
  bufferManager: { acquireBuffer(size: number, usage: number): GPUBuffer; releaseBuffer(buffer: GPUBuffer): void };
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  commandEncoder: GPUCommandEncoder;
  submitQueue(): void;
  convertAndCacheOnCPU(dataId: object, values: tf.BackendValues): tf.TypedArray;
}

const build = createRequire(new URL('../../../tools/webgpu/build/package.json', import.meta.url));
let errors: string[] = [];

/**
 * Registers the backend `webgpu` on Dawn, which `tools/webgpu/setup.mjs` installs. Tests, and only they, may read it
 * synchronously: the read runs the event loop inside the call. An error that the device reports fails the next read.
 */
export async function loadWebgpu(): Promise<void> {
  if (tf.findBackendFactory('webgpu') !== null) return;
  const { create, globals } = (await import(build.resolve('webgpu'))) as {
    create(options: string[]): GPU;
    globals: object;
  };
  Object.assign(globalThis, globals);
  if (typeof globalThis.navigator === 'undefined') {
    Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  }
  Object.defineProperty(globalThis.navigator, 'gpu', { value: create([]), configurable: true });
  await import('@tensorflow/tfjs-backend-webgpu');
  tf.env().set('WEBGPU_CPU_FORWARD', false); // small tensors would be computed on the processor
  if (!(await tf.setBackend('webgpu'))) throw new Error('webgpu: there is no adapter; is tools/webgpu/setup.mjs done?');
  await tf.ready();
  readByTurningTheLoop(tf.backend() as Backend);
}

/** The errors that the device has reported since the last call. */
function takeDeviceErrors(): string[] {
  const taken = errors;
  errors = [];
  return taken;
}

function readByTurningTheLoop(backend: Backend): void {
  const { turnLoop } = build('./turn-loop.node') as { turnLoop(): void };
  backend.device.addEventListener('uncapturederror', (event) => {
    errors.push((event as GPUUncapturedErrorEvent).error.message);
  });
  const check = (): void => {
    const [first] = takeDeviceErrors();
    if (first !== undefined) throw new Error(`webgpu: the device reported: ${first}`);
  };
  const read = backend.read.bind(backend);
  backend.read = async (dataId) => {
    const values = await read(dataId);
    check();
    return values;
  };
  const readSync = backend.readSync.bind(backend);
  backend.readSync = (dataId: object) => {
    const { values, dtype, resource } = backend.tensorMap.get(dataId);
    if (values != null || dtype === 'string' || dtype === 'complex64') return readSync(dataId);
    const { size } = resource;
    const staging = backend.bufferManager.acquireBuffer(size, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
    backend.ensureCommandEncoderReady();
    backend.endComputePassEncoder();
    backend.commandEncoder.copyBufferToBuffer(resource, 0, staging, 0, size);
    backend.submitQueue();
    staging.mapAsync(GPUMapMode.READ).catch((error) => errors.push(String(error)));
    while (staging.mapState === 'pending') turnLoop();
    check();
    const bytes = staging.getMappedRange().slice(0);
    staging.unmap();
    backend.bufferManager.releaseBuffer(staging);
    return backend.convertAndCacheOnCPU(dataId, tf.util.convertBackendValuesAndArrayBuffer(bytes, dtype));
  };
}
