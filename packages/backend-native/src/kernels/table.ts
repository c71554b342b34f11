import type { KernelTable } from '../kernel';
import { convKernels } from './conv';
import { elementwiseKernels } from './elementwise';
import { gatherKernels } from './gather';
import { groupNormKernels } from './group-norm';
import { groupedLowRankKernels } from './grouped-low-rank';
import { groupedLowRankTogetherKernels } from './grouped-low-rank-together';
import { imageKernels } from './image';
import { linearKernels } from './linear';
import { optimizerKernels } from './optimizer';
import { reduceKernels } from './reduce';
import { shapeKernels } from './shape';
import { transformerKernels } from './transformer';

/** Every kernel in Rust. All others are the cpu backend's. */
export const kernels: KernelTable = {
  ...convKernels,
  ...elementwiseKernels,
  ...groupNormKernels,
  ...groupedLowRankKernels,
  ...groupedLowRankTogetherKernels,
  ...gatherKernels,
  ...imageKernels,
  ...linearKernels,
  ...optimizerKernels,
  ...reduceKernels,
  ...shapeKernels,
  ...transformerKernels,
};
