import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/**
 * The cpu backend's kernel of that name as a kernel of the wasm backend: copies the inputs out of the wasm heap, runs,
 * and copies the results back.
 */
export function cpuKernel(name: string): KernelFunc {
  return ({ inputs, attrs, backend }) => {
    const wasm = backend as BackendWasm;
    const cpu = tf.findBackend('cpu') as MathBackendCPU;
    const kernel = tf.getKernel(name, 'cpu');
    const entries = Object.entries(inputs).filter(([, info]) => info != null) as [string, TensorInfo][];
    const copies = entries.map(([key, { shape, dtype, dataId }]): [string, TensorInfo] => [
      key,
      { dataId: cpu.write(wasm.readSync(dataId), shape, dtype), shape, dtype },
    ]);
    try {
      // Einsum and the like take a list, passed off as a map.
      const named = Array.isArray(inputs) ? copies.map(([, info]) => info) : Object.fromEntries(copies);
      const result = kernel.kernelFunc({ inputs: named as NamedTensorInfoMap, attrs, backend: cpu });
      const results = Array.isArray(result) ? result : [result];
      const back = results.map(({ shape, dtype, dataId }): TensorInfo => {
        const values = cpu.readSync(dataId);
        cpu.disposeData(dataId);
        return { dataId: wasm.write(values, shape, dtype), shape, dtype };
      });
      return Array.isArray(result) ? back : back[0];
    } finally {
      for (const [, { dataId }] of copies) cpu.disposeData(dataId);
    }
  };
}
