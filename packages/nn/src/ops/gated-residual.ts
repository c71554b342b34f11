import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { dims } from '../core/dims';
import { customOp, hasKernel, runKernel } from './custom-op';
import { sumTokens } from './sums';

/**
 * x + gate y with one gate a sample and channel: the residual connection of adaLN-Zero (Peebles & Xie 2023).
 *
 * @param x float32 [N, T, D].
 * @param gate float32 [N, D].
 * @param y float32 [N, T, D].
 * @returns [N, T, D]; the caller owns it.
 * @throws Error if the shapes do not go together.
 */
export function gatedResidual(x: Tensor3D, gate: Tensor2D, y: Tensor3D): Tensor3D {
  const { N, T, D } = dims('x', x, 'N T D');
  dims('gate', gate, `${N} ${D}`);
  dims('y', y, `${N} ${T} ${D}`);
  return customOp({
    inputs: { x, gate, y },
    forward: (save) => {
      save([gate, y]);
      if (hasKernel('LearngeneGatedResidual')) return runKernel('LearngeneGatedResidual', { x, gate, y })[0];
      return tf.add(x, tf.mul(tf.reshape(gate, [N, 1, D]), y));
    },
    backward: (dy, [gate, y]) => {
      if (hasKernel('LearngeneGatedResidualGrad')) {
        const [dgate, dbranch] = runKernel('LearngeneGatedResidualGrad', { dy, gate, y });
        return { x: () => tf.clone(dy), gate: () => dgate, y: () => dbranch };
      }
      return {
        x: () => tf.clone(dy),
        gate: () => sumTokens(tf.mul(dy, y)),
        y: () => tf.mul(dy, tf.reshape(gate, [N, 1, D])),
      };
    },
  }) as Tensor3D;
}
