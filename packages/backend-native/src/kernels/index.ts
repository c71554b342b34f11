import type { KernelTable } from '../kernel';
import { convKernels } from './conv';
import { elementwiseKernels } from './elementwise';
import { gatherKernels } from './gather';
import { imageKernels } from './image';
import { reduceKernels } from './reduce';
import { shapeKernels } from './shape';

/** Every kernel in Rust. All others are the cpu backend's. */
export const kernels: KernelTable = {
  ...convKernels,
  ...elementwiseKernels,
  ...gatherKernels,
  ...imageKernels,
  ...reduceKernels,
  ...shapeKernels,
};
