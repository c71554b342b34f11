import { cpuKernel } from '../cpu-kernel';
import type { Kernel, KernelCall } from '../kernel';

/** Runs the kernel where every input is float32, and the cpu backend's kernel else. */
export function forFloats(name: string, kernel: Kernel): Kernel {
  return (call) => (allFloats(call) ? kernel(call) : cpuKernel(name, call));
}

function allFloats({ inputs }: KernelCall): boolean {
  for (const name in inputs) {
    // optional inputs may be absent
    const input = inputs[name];
    if (input && input.dtype !== 'float32') return false;
  }
  return true;
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[], from = 0, to = shape.length): number {
  let size = 1;
  for (let i = from; i < to; i++) size *= shape[i];
  return size;
}
