import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { customOp, hasKernel, runKernel } from './custom-op';

/**
 * SiLU, x sigmoid(x) (Elfwing et al. 2017; torch `F.silu`).
 *
 * @param x float32, any shape.
 * @returns Same shape; the caller owns it.
 */
export function silu<T extends Tensor>(x: T): T {
  return customOp({
    inputs: { x },
    forward: (save) => {
      save([x]);
      if (hasKernel('LearngeneSilu')) return runKernel('LearngeneSilu', { x })[0];
      return tf.mul(x, tf.sigmoid(x));
    },
    backward: (dy, [x]) => ({ x: () => siluGradient(dy, x) }),
  }) as T;
}

/** dy s (1 + x (1 - s)), s = sigmoid(x). */
function siluGradient(dy: Tensor, x: Tensor): Tensor {
  if (hasKernel('LearngeneSiluGrad')) return runKernel('LearngeneSiluGrad', { dy, x })[0];
  const s = tf.sigmoid(x);
  const y = tf.mul(x, s);
  return tf.mul(dy, tf.add(y, tf.mul(s, tf.sub(1, y))));
}
