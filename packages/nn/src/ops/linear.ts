import type { NamedTensorMap, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { dims } from '../dims';
import { customOp, hasKernel, runKernel } from './custom-op';
import { affine, product } from './matmul';
import { sumRows } from './sums';

/**
 * x weightᵀ + bias (torch `F.linear`).
 *
 * @param x float32 [..., in].
 * @param weight float32 [out, in].
 * @param bias float32 [out], or none.
 * @returns [..., out]; the caller owns it.
 * @throws Error if the shapes do not go together.
 */
export function linear(x: Tensor, weight: Tensor2D, bias?: Tensor1D): Tensor {
  const sizes = dims('weight', weight, 'out in');
  dims('x', x, `... ${sizes.in}`);
  if (bias) dims('bias', bias, `${sizes.out}`);
  const shape = [...x.shape.slice(0, -1), sizes.out];
  const inputs: NamedTensorMap = { x, weight, ...(bias && { bias }) };
  return customOp({
    inputs,
    forward: (save) => {
      save([x, weight]);
      if (hasKernel('LearngeneLinear')) return runKernel('LearngeneLinear', inputs)[0];
      return tf.reshape(affine(tf.reshape(x, [-1, sizes.in]), weight, bias), shape);
    },
    backward: (dy, [x, weight]): Record<string, () => Tensor> => {
      const rows = (): Tensor => tf.reshape(dy, [-1, sizes.out]);
      return {
        x: () => tf.reshape(product(rows(), weight, false, false), x.shape),
        weight: () => product(rows(), tf.reshape(x, [-1, sizes.in]), true, false),
        bias: () => sumRows(rows()),
      };
    },
  });
}
