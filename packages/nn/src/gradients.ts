import * as tf from '@tensorflow/tfjs-core';
import { gradientConfigs } from './tfjs-gradients';

let registered = false;

/**
 * Registers the gradients of the ops of tfjs-core for all backends; tfjs-core itself does not. {@link valueAndGrad}
 * does so by itself; call this once before `tf.grads`, `tf.variableGrads` and their like, which otherwise throw
 * "gradient function not found". A gradient that is registered already stays as it is; a second call does nothing.
 */
export function registerGradients(): void {
  if (registered) return;
  for (const config of gradientConfigs) {
    if (tf.getGradient(config.kernelName) === undefined) tf.registerGradient(config);
  }
  registered = true;
}
