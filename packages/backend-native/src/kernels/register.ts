import '@tensorflow/tfjs-backend-cpu';
import { totalmem } from 'node:os';
import { findBackendFactory, getKernelsForBackend, registerBackend, registerKernel } from '@tensorflow/tfjs-core';
import { NATIVE, NativeBackend } from '../backend';
import { cpuKernel } from '../cpu-kernel';
import type { Kernel, KernelCall } from '../kernel';
import { loadNative } from '../native';
import { kernels } from './table';

/** The share of the machine's memory that idle buffers may hold. */
const IDLE_SHARE = 0.25;

/**
 * Registers the backend `'native'` with tfjs: the kernels in Rust, and the cpu backend's for all others. It does not
 * select the backend; `tf.setBackend('native')` does. Call it before the first tensor is made. Calling it again does
 * nothing.
 *
 * @throws NativeUnavailableError where the addon cannot be loaded
 */
export function registerNativeBackend(): void {
  const addon = loadNative();
  if (findBackendFactory(NATIVE) !== null) return;
  registerBackend(NATIVE, () => new NativeBackend(addon, Math.floor(totalmem() * IDLE_SHARE)));
  for (const [name, kernel] of Object.entries(kernels)) register(name, kernel);
  for (const { kernelName } of getKernelsForBackend('cpu')) {
    if (!Object.hasOwn(kernels, kernelName)) register(kernelName, (call) => cpuKernel(kernelName, call));
  }
}

function register(kernelName: string, kernel: Kernel): void {
  registerKernel({
    kernelName,
    backendName: NATIVE,
    kernelFunc: ({ inputs, attrs, backend }) => {
      const native = backend as NativeBackend;
      try {
        return kernel({ inputs: inputs as KernelCall['inputs'], attrs: attrs ?? {}, backend: native });
      } finally {
        native.returnLent();
      }
    },
  });
}
