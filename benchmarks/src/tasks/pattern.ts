import * as tf from '@tensorflow/tfjs-core';

/** Deterministic values in [-0.5, 0.5): a multiplicative hash of the index, the same in python/data.py. */
export function pattern(count: number, seed: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let hashed = Math.imul(i + seed * 1000003, 2654435761);
    hashed = Math.imul(hashed ^ (hashed >>> 15), 2246822519);
    hashed = (hashed ^ (hashed >>> 13)) >>> 0;
    values[i] = hashed / 2 ** 32 - 0.5;
  }
  return values;
}

/** A tensor of {@link pattern}, times `scale`. */
export function patternTensor<R extends tf.Rank>(shape: number[], seed: number, scale = 1): tf.Tensor<R> {
  const values = pattern(tf.util.sizeFromShape(shape), seed);
  const scaled = scale === 1 ? values : values.map((value) => value * scale);
  return tf.tensor(scaled, shape as never) as tf.Tensor<R>;
}

/** Mean, mean square and a weighted mean of a tensor, in float64; python/tasks_ops.py does the same. */
export async function summary(x: tf.Tensor): Promise<number[]> {
  const values = await x.data();
  let [sum, squares, weighted] = [0, 0, 0];
  for (const [i, value] of values.entries()) {
    sum += value;
    squares += value * value;
    weighted += (value * ((i % 97) - 48)) / 48;
  }
  return [sum, squares, weighted].map((total) => total / values.length);
}
