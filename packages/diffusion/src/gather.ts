import * as tf from '@tensorflow/tfjs-core';
import type { GaussianDiffusion } from './process';

/** The table's entries at `t`, cast to float32, as `[N, 1, 1, 1]`. */
export function gather(table: Float64Array, t: Int32Array): tf.Tensor4D {
  return tf.tensor4d(
    Float32Array.from(t, (index) => table[index]),
    [t.length, 1, 1, 1],
  );
}

/** What the network is given for the steps `t` of a process: their original timesteps, float32 `[N]`. */
export function networkTimesteps(process: GaussianDiffusion, t: Int32Array): tf.Tensor1D {
  return tf.tensor1d(Float32Array.from(t, (index) => process.timestepMap[index]));
}
