import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './custom-op';
import { fewTensors } from './foreach';
import { leafInputs } from './leaf-inputs';
import { sumTensors } from './many-tensors';

/** Sum of the squares of all elements of all leaves. */
export function globalSquaredNorm(leaves: readonly Tensor[]): Scalar {
  if (hasKernel('LearngeneGlobalSquaredNorm')) {
    return runKernel('LearngeneGlobalSquaredNorm', leafInputs({ x: leaves }))[0] as Scalar;
  }
  const filled = leaves.filter(({ size }) => size > 0); // WebGPU cannot sum nothing
  if (filled.length === 0) return tf.scalar(0);
  return tf.tidy(() => sumTensors(fewTensors(filled).map((tensor) => tf.sum<Scalar>(tf.square(tensor)))));
}
