import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-webgl';
import '@tensorflow/tfjs-backend-webgpu';
import { registerWasmTrainingKernels } from '@learngene/nn/wasm';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';

/** The backends that tfjs has in a browser. */
export type Engine = 'cpu' | 'wasm' | 'webgl' | 'webgpu';

/** The parts of WebGPU's GPUDevice that report faults. */
interface Device {
  addEventListener(type: 'uncapturederror', listener: (event: { error: { message: string } }) => void): void;
  readonly lost: Promise<{ reason: string; message: string }>;
}

/** Makes tfjs compute on an engine and on no other, and turns faults of the GPU into console errors. */
export async function startEngine(engine: Engine): Promise<void> {
  setWasmPaths('/wasm/');
  // By default both send small tensors to the processor, and the GPU would hardly be tested.
  if (engine === 'webgpu') tf.env().set('WEBGPU_CPU_FORWARD', false);
  if (engine === 'webgl') tf.env().set('WEBGL_CPU_FORWARD', false);
  const started = await tf.setBackend(engine);
  if (!started || tf.getBackend() !== engine) throw new Error(`expected the engine ${engine}, got ${tf.getBackend()}`);
  if (engine === 'wasm') registerWasmTrainingKernels();
  if (engine === 'webgl' && !tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED')) {
    throw new Error('webgl: expected textures of 32-bit floats, got none');
  }
  if (engine === 'webgpu') watchDevice((tf.backend() as unknown as { device: Device }).device);
}

function watchDevice(device: Device): void {
  device.addEventListener('uncapturederror', ({ error }) => console.error(`WebGPU: ${error.message}`));
  device.lost.then(({ reason, message }) => console.error(`WebGPU: the device was lost (${reason}): ${message}`));
}
