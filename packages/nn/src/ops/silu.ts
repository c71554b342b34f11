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
      if (hasKernel('LearngeneSilu')) {
        save([x]);
        return runKernel('LearngeneSilu', { x })[0];
      }
      const s = tf.sigmoid(x);
      const y = tf.mul(x, s);
      save([s, y]);
      return y;
    },
    backward: (dy, saved) => ({
      x: () => {
        if (hasKernel('LearngeneSiluGrad')) return runKernel('LearngeneSiluGrad', { dy, x: saved[0] })[0];
        const [s, y] = saved;
        return tf.mul(dy, tf.add(s, tf.mul(y, tf.sub(1, s)))); // dy (s + y (1 - s))
      },
    }),
  }) as T;
}
