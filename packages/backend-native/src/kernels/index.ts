import type { KernelTable } from '../kernel';
import { elementwiseKernels } from './elementwise';

/** Every kernel in Rust. All others are the cpu backend's. */
export const kernels: KernelTable = {
  ...elementwiseKernels,
};
