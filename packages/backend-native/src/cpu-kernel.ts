import { getKernel, type NamedTensorInfoMap, type TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from './backend';
import type { KernelCall } from './kernel';

/**
 * Runs a kernel of the cpu backend on this backend's tensors. Where an output shares memory with an input (a contiguous
 * slice is a view there), that memory is kept out of the pool.
 */
export function cpuKernel(name: string, { inputs, attrs, backend }: KernelCall): TensorInfo | TensorInfo[] {
  const kernel = getKernel(name, 'cpu');
  backend.finish();
  const outputs = kernel.kernelFunc({ inputs: inputs as NamedTensorInfoMap, attrs, backend });
  for (const input of Object.values(inputs)) protect(input, outputs, backend);
  return outputs;
}

function protect(input: TensorInfo, outputs: TensorInfo | TensorInfo[], backend: NativeBackend): void {
  // optional inputs may be absent
  if (input === undefined || input === null) return;
  const buffer = backend.buffer(input);
  if (buffer === undefined) return;
  for (const output of Array.isArray(outputs) ? outputs : [outputs]) {
    if (output.dataId !== input.dataId && backend.buffer(output) === buffer) backend.share(input.dataId, output.dataId);
  }
}
