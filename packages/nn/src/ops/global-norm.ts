import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './custom-op';
import { leafInputs } from './leaf-inputs';
import { sumTensors } from './many-tensors';
import { fewTensors } from './over-leaves';

/** Sum of the squares of all elements of all leaves. */
export function globalSquaredNorm(leaves: readonly Tensor[]): Scalar {
  if (hasKernel('LearngeneGlobalSquaredNorm')) {
    return runKernel('LearngeneGlobalSquaredNorm', leafInputs({ x: leaves }), { count: leaves.length })[0] as Scalar;
  }
  if (leaves.length === 0) return tf.scalar(0);
  return tf.tidy(() => sumTensors(fewTensors(leaves).map((tensor) => tf.sum<Scalar>(tf.square(tensor)))));
}
