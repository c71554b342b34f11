import type { NamedTensorMap, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { dims } from '../core/dims';
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
    backward: (dy, [x, weight]) => ({
      x: () => linearInputGrad(dy, weight),
      weight: () => linearWeightGrad(dy, x),
      bias: () => columnSums(dy),
    }),
  });
}

/** dy weight [..., in] for dy [..., out], off the tape. */
export function linearInputGrad(dy: Tensor, weight: Tensor): Tensor {
  if (hasKernel('LearngeneLinearInputGrad')) return runKernel('LearngeneLinearInputGrad', { dy, weight })[0];
  return tf.reshape(product(rows(dy), weight, false, false), [...dy.shape.slice(0, -1), weight.shape[1] as number]);
}

/** dyᵀ x [out, in] for dy [..., out] and x [..., in], off the tape. */
export function linearWeightGrad(dy: Tensor, x: Tensor): Tensor {
  if (hasKernel('LearngeneLinearWeightGrad')) return runKernel('LearngeneLinearWeightGrad', { dy, x })[0];
  return product(rows(dy), rows(x), true, false);
}

/** The sum of x [..., D] over all axes but the last, off the tape. */
export function columnSums(x: Tensor): Tensor {
  if (hasKernel('LearngeneColumnSums')) return runKernel('LearngeneColumnSums', { x })[0];
  return sumRows(rows(x));
}

/** [..., D] as [M, D]. */
function rows(x: Tensor): Tensor {
  return tf.reshape(x, [-1, x.shape[x.rank - 1]]);
}
