import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './custom-op';
import { foreach } from './foreach';
import { leafInputs } from './leaf-inputs';

/** decay ema + (1 - decay) params for every leaf; one kernel call where the backend has it. */
export function ema(ema: readonly Tensor[], params: readonly Tensor[], decay: number): Tensor[] {
  return tf.tidy(() => {
    if (hasKernel('LearngeneEma')) {
      return runKernel('LearngeneEma', leafInputs({ e: ema, p: params }), { decay });
    }
    return foreach([ema, params], ([e, p]) => [tf.add(tf.mul(e, decay), tf.mul(p, 1 - decay))]).flat();
  });
}
