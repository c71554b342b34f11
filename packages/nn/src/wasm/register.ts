import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { attentionGradInHeap, attentionInHeap } from './attention-kernels';
import { batchedMatMul } from './batch-matmul';
import {
  gatedResidualGradInHeap,
  gatedResidualInHeap,
  geluGradInHeap,
  geluInHeap,
  normModulateGradInHeap,
  normModulateInHeap,
} from './block-kernels';
import { filterGradientInHeap, imageGradientInHeap } from './convolution-gradients';
import { cpuKernel } from './delegate';
import { runsHere } from './instance';
import { groupedLowRankGradInHeap, groupedLowRankInHeap } from './low-rank-kernels';
import { adamWEmaInHeap, adamWInHeap, emaInHeap, squaredNormInHeap } from './optimizer-kernels';
import { poolInHeap, reduceInHeap, softmaxInHeap } from './reduce';
import { sliceInHeap } from './slice';

/** Kernels that gradients need and the wasm backend lacks. */
const MISSING = [
  'DepthwiseConv2dNativeBackpropFilter',
  'DepthwiseConv2dNativeBackpropInput',
  'Einsum',
  'UnsortedSegmentSum',
];

/** Kernels of the wasm backend whose results are wrong. */
const WRONG = ['Conv3DBackpropInputV2', 'MaxPoolGrad'];

/**
 * The wasm backend copies the bytes of every clone, and the tape clones each tensor that a gradient needs. This kernel
 * shares the bytes instead.
 */
const shareData: KernelFunc = ({ inputs, backend }) => {
  const { dataId, shape, dtype } = inputs.x as TensorInfo;
  (backend as BackendWasm).incRef(dataId);
  return { dataId, shape, dtype };
};

/** Marks our kernels in the registry, which two copies of this module share. */
const OURS = Symbol.for('@learngene/nn/wasm');

/** Puts a kernel in the place of the one registered for wasm, if any; a second time does nothing. */
function replace(kernelName: string, make: (original: KernelFunc | undefined) => KernelFunc): void {
  const original = tf.getKernel(kernelName, 'wasm');
  if (original && OURS in original.kernelFunc) return;
  if (original) tf.unregisterKernel(kernelName, 'wasm');
  const kernelFunc = Object.assign(make(original?.kernelFunc), { [OURS]: true });
  tf.registerKernel({ kernelName, backendName: 'wasm', setupFunc: original?.setupFunc, kernelFunc });
}

/** The ops of transformer blocks and of factored layers. */
const FUSED: Readonly<Record<string, KernelFunc>> = {
  LearngeneGelu: geluInHeap,
  LearngeneGeluGrad: geluGradInHeap,
  LearngeneGatedResidual: gatedResidualInHeap,
  LearngeneGatedResidualGrad: gatedResidualGradInHeap,
  LearngeneLayerNormModulate: normModulateInHeap,
  LearngeneLayerNormModulateGrad: normModulateGradInHeap,
  LearngeneAttention: attentionInHeap,
  LearngeneAttentionGrad: attentionGradInHeap,
  LearngeneGroupedLowRank: groupedLowRankInHeap,
  LearngeneGroupedLowRankGrad: groupedLowRankGradInHeap,
};

/**
 * Makes the wasm backend fit for training. It registers these kernels:
 *
 * - kernels that wasm lacks (filter gradients of depthwise convolutions, einsum, the gradient of gather) or computes
 *   wrongly (gather with batchDims, the gradients of max pooling and of the input of a 3-D convolution), by those of the
 *   cpu backend;
 * - the gradients of a 2-D convolution as matrix products;
 * - a matrix product that is up to 3 times faster, and 20 times in batches;
 * - a clone that copies no bytes, and a slice of leading rows that copies only these;
 * - sums, means, long softmaxes and large average pools that add in float64, not in float32;
 * - AdamW, clipping, EMA and the global norm as one loop over all leaves;
 * - GELU, gated residuals, modulated layer norms, attention and grouped low-rank layers, each with its gradient.
 *
 * Complex numbers and FFT stay unsupported there.
 *
 * Imports both backends; which one is active stays the caller's choice. Call it once, before or after
 * `tf.setBackend('wasm')`; further calls do nothing.
 */
export function registerWasmTrainingKernels(): void {
  for (const name of MISSING) if (!tf.getKernel(name, 'wasm')) replace(name, () => cpuKernel(name));
  for (const name of WRONG) replace(name, () => cpuKernel(name));
  replace('Conv2DBackpropFilter', () => filterGradientInHeap(cpuKernel('Conv2DBackpropFilter')));
  replace('Conv2DBackpropInput', (original) => imageGradientInHeap(original as KernelFunc));
  replace('GatherV2', (original) => {
    const delegated = cpuKernel('GatherV2');
    return (args) => {
      const { batchDims } = args.attrs as NamedAttrMap;
      return batchDims || !original ? delegated(args) : original(args);
    };
  });
  replace('Identity', () => shareData);
  replace('Slice', (original) => sliceInHeap(original as KernelFunc));
  replace('Sum', () => reduceInHeap(false));
  replace('Mean', () => reduceInHeap(true));
  replace('Softmax', (original) => softmaxInHeap(original as KernelFunc));
  replace('AvgPool', (original) => poolInHeap(original as KernelFunc, cpuKernel('AvgPool')));
  replace('BatchMatMul', (original) => batchedMatMul(original as KernelFunc));
  replace('LearngeneAdamW', () => adamWInHeap);
  replace('LearngeneEma', () => emaInHeap);
  replace('LearngeneAdamWEma', () => adamWEmaInHeap);
  replace('LearngeneGlobalSquaredNorm', () => squaredNormInHeap);
  // Before the backend starts: in an isolated page tfjs would take its own threaded build, whose heap no kernel here can use.
  if (!('wasm' in tf.engine().registry)) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  if (runsHere()) for (const [name, kernel] of Object.entries(FUSED)) replace(name, () => kernel);
  // Only marks: tell the ops of this package to leave transposes to the product, and sums over any axis to `Sum`.
  replace('LearngeneFastSum', () => (args) => tf.getKernel('Sum', 'wasm').kernelFunc(args));
  replace('LearngeneFastMatMul', () => (args) => tf.getKernel('BatchMatMul', 'wasm').kernelFunc(args));
}
