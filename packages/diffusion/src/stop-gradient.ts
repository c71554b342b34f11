import * as tf from '@tensorflow/tfjs-core';

/** The same values, through which no gradient flows. */
export function stopGradient(x: tf.Tensor): tf.Tensor {
  return tf.customGrad((input) => ({
    value: tf.clone(input as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
  }))(x);
}
