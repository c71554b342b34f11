import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type Plain, plainKernels } from './plain-kernels';

/** Registers the plain kernels for the cpu backend, runs `work`, takes them away again; returns the names called. */
export function withPlainKernels(work: () => void): string[] {
  const called = new Set<string>();
  for (const [kernelName, plain] of Object.entries(plainKernels)) {
    tf.registerKernel({
      kernelName,
      backendName: 'cpu',
      kernelFunc: ({ inputs, attrs, backend }) => {
        const cpu = backend as MathBackendCPU;
        called.add(kernelName);
        const read = ({ shape, dataId }: TensorInfo): Plain => ({
          shape,
          values: Float32Array.from(cpu.readSync(dataId) as Float32Array),
        });
        const entries = Object.entries(inputs) as [string, TensorInfo | TensorInfo[]][];
        const given = entries.map(([name, x]) => [name, Array.isArray(x) ? x.map(read) : read(x)]);
        const results = plain(Object.fromEntries(given), attrs as NamedAttrMap as Record<string, number>);
        return results.map(({ shape, values }) => cpu.makeTensorInfo(shape, 'float32', values));
      },
    });
  }
  try {
    work();
  } finally {
    for (const kernelName of Object.keys(plainKernels)) tf.unregisterKernel(kernelName, 'cpu');
  }
  return [...called].sort();
}
