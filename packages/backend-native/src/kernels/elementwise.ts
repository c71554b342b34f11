import { util } from '@tensorflow/tfjs-core';
import { cpuKernel } from '../cpu-kernel';
import type { KernelCall, KernelTable } from '../kernel';

function add(call: KernelCall) {
  const { inputs, backend } = call;
  const { a, b } = inputs;
  if (a.dtype !== 'float32' || b.dtype !== 'float32' || !util.arraysEqual(a.shape, b.shape)) {
    return cpuKernel('Add', call);
  }
  const y = backend.output(a.shape);
  backend.addon.add(backend.f32(a), backend.f32(b), backend.f32(y));
  return y;
}

/** Elementwise kernels. */
export const elementwiseKernels: KernelTable = { Add: add };
