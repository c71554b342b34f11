import type { NamedTensorMap, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { dims } from '../core/dims';
import { customOp, hasKernel, runKernel } from './custom-op';
import { affine, product } from './matmul';
import { sumRows } from './sums';

/**
 * A linear layer whose weight u diag(s) vᵀ is kept as its factors: ((x v) s) uᵀ + bias. The weight is never formed.
 *
 * @param x float32 [..., in].
 * @param u float32 [out, r].
 * @param s float32 [r].
 * @param v float32 [in, r].
 * @param bias float32 [out], or none.
 * @returns [..., out]; the caller owns it.
 * @throws Error if the shapes do not go together.
 */
export function lowRankLinear(x: Tensor, u: Tensor2D, s: Tensor1D, v: Tensor2D, bias?: Tensor1D): Tensor {
  const { out, r } = dims('u', u, 'out r');
  dims('s', s, `${r}`);
  const sizes = dims('v', v, `in ${r}`);
  dims('x', x, `... ${sizes.in}`);
  if (bias) dims('bias', bias, `${out}`);
  const inputs: NamedTensorMap = { x, u, s, v, ...(bias && { bias }) };
  return customOp({
    inputs,
    forward: (save) => {
      if (hasKernel('LearngeneLowRankLinear')) {
        const [y, h] = runKernel('LearngeneLowRankLinear', inputs);
        save([x, u, s, v, h]);
        return y;
      }
      const h = product(tf.reshape(x, [-1, sizes.in]), v, false, false); // [M, r]
      save([x, u, s, v, h]);
      return tf.reshape(affine(tf.mul(h, s), u, bias), [...x.shape.slice(0, -1), out]);
    },
    backward: (dy, [x, u, s, v, h]): Record<string, () => Tensor> => {
      const rows = (t: Tensor): Tensor => tf.reshape(t, [-1, t.shape[t.rank - 1]]);
      const dscaled = tf.tidy(() => product(rows(dy), u, false, false)); // [M, r]
      return {
        x: () => tf.reshape(product(tf.mul(dscaled, s), v, false, true), x.shape),
        u: () => product(rows(dy), tf.mul(h, s), true, false),
        s: () => sumRows(tf.mul(dscaled, h)),
        v: () => product(rows(x), tf.mul(dscaled, s), true, false),
        bias: () => sumRows(rows(dy)),
      };
    },
  });
}
