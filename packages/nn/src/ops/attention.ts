import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { dims } from '../core/dims';
import { customOp, hasKernel, runKernel, stateInputs } from './custom-op';
import { product } from './matmul';

/** Options of {@link attention}. */
export interface AttentionOptions {
  /** Number of heads; D must be a multiple. */
  readonly heads: number;
}

/**
 * Scaled dot-product attention over all tokens, no mask: softmax(q kᵀ / sqrt(D / heads)) v in every head (Vaswani et
 * al. 2017, eq. 1; torch `F.scaled_dot_product_attention`).
 *
 * @param q float32 [N, T, D]; head h holds the channels from h D / heads on.
 * @param k float32 [N, S, D].
 * @param v float32 [N, S, D].
 * @returns [N, T, D]; the caller owns it.
 * @throws Error if the shapes do not go together or D is not a multiple of the number of heads.
 */
export function attention(q: Tensor3D, k: Tensor3D, v: Tensor3D, { heads }: AttentionOptions): Tensor3D {
  const { N, D } = dims('q', q, 'N T D');
  const { S } = dims('k', k, `${N} S ${D}`);
  dims('v', v, `${N} ${S} ${D}`);
  if (!(Number.isInteger(heads) && heads >= 1 && D % heads === 0))
    throw new Error(`heads: expected a divisor of ${D}, got ${heads}`);
  const scale = 1 / Math.sqrt(D / heads);
  return customOp({
    inputs: { q, k, v },
    forward: (save) => {
      if (hasKernel('LearngeneAttention')) {
        const [out, ...state] = runKernel('LearngeneAttention', { q, k, v }, { heads, scale });
        save([q, k, v, out, ...state]);
        return out;
      }
      const qh = toHeads(tf.mul(q, scale), heads); // [N H, T, Dh]
      const kh = toHeads(k, heads); // [N H, S, Dh]
      const vh = toHeads(v, heads); // [N H, S, Dh]
      const p = tf.softmax(product(qh, kh, false, true)); // [N H, T, S]
      save([qh, kh, vh, p]);
      return fromHeads(product(p, vh, false, false), N); // [N, T, D]
    },
    backward: (dy, saved) => {
      const [dq, dk, dv] = tf.tidy(() => {
        if (hasKernel('LearngeneAttentionGrad')) {
          const [q, k, v, out, ...state] = saved;
          const inputs = { dy, q, k, v, out, ...stateInputs(state) };
          return runKernel('LearngeneAttentionGrad', inputs, { heads, scale });
        }
        const [qh, kh, vh, p] = saved;
        const dout = toHeads(dy, heads); // [N H, T, Dh]
        const dp = product(dout, vh, false, true); // [N H, T, S]
        const ds = tf.mul(p, tf.sub(dp, tf.sum(tf.mul(dp, p), -1, true))); // [N H, T, S]
        return [
          fromHeads(tf.mul(product(ds, kh, false, false), scale), N), // [N, T, D]
          fromHeads(product(ds, qh, true, false), N), // [N, S, D]; qh carries the scale
          fromHeads(product(p, dout, true, false), N), // [N, S, D]
        ];
      });
      return { q: () => dq, k: () => dk, v: () => dv };
    },
  }) as Tensor3D;
}

/** [N, T, H Dh] -> [N H, T, Dh]. */
function toHeads(x: Tensor, heads: number): Tensor {
  const [N, T, D] = x.shape;
  return tf.reshape(tf.transpose(tf.reshape(x, [N, T, heads, D / heads]), [0, 2, 1, 3]), [N * heads, T, D / heads]);
}

/** [N H, T, Dh] -> [N, T, H Dh]. */
function fromHeads(x: Tensor, N: number): Tensor {
  const [NH, T, Dh] = x.shape;
  const heads = NH / N;
  return tf.reshape(tf.transpose(tf.reshape(x, [N, heads, T, Dh]), [0, 2, 1, 3]), [N, T, heads * Dh]);
}
