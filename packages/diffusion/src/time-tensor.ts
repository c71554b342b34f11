import * as tf from '@tensorflow/tfjs-core';

/** For time tensors that our loops made, the value of all their entries, which then need not be read back. */
const uniformValues = new WeakMap<tf.Tensor, number>();

/** float32 `[count]` of equal values. */
export function timeTensor(count: number, value: number): tf.Tensor1D {
  const t = tf.tensor1d(new Float32Array(count).fill(value));
  uniformValues.set(t, value);
  return t;
}

/** The value of a tensor that {@link timeTensor} made; undefined for others. */
export function uniformTime(t: tf.Tensor1D): number | undefined {
  return uniformValues.get(t);
}
