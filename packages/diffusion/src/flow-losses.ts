import * as tf from '@tensorflow/tfjs-core';
import { checkNames, checkShape, imageShape } from './check';
import type { Denoiser } from './denoiser';
import type { FlowProcess } from './flow-matching';
import { meanPerSample } from './likelihood';
import { splitOutput } from './split-output';

/** One training batch of flow matching. */
export interface FlowBatch {
  /** Data `[N, H, W, C]`, float32, usually in [-1, 1]. */
  readonly x0: tf.Tensor4D;
  /** Time of each sample, `[N]`, in [0, 1]: 0 is data, 1 is noise. */
  readonly t: Float32Array;
  /** Standard normal, the shape of `x0`. */
  readonly noise: tf.Tensor4D;
}

/** Losses of each sample. */
export interface FlowLosses {
  /** What to minimise, `[N]`. */
  readonly loss: tf.Tensor1D;
  /** Mean squared error of the velocity, `[N]`: the same values. */
  readonly mse: tf.Tensor1D;
}

/**
 * The loss of conditional flow matching: the mean squared error of the predicted velocity at x = (1 - t) x_0 + t ·
 * noise, where the true velocity is noise - x_0 (Lipman et al. 2023, eq. 23, on straight paths). Differentiable in the
 * parameters of the denoiser.
 * @param process - the flow
 * @param denoiser - the network; called once; of 2C channels the second half is ignored
 * @param batch - data, times and noise
 * @returns losses `[N]` float32 (`mse` holds the same values); the caller owns both
 * @throws if shapes differ or a time is outside [0, 1]
 */
export function flowLosses(process: FlowProcess, denoiser: Denoiser, batch: FlowBatch): FlowLosses {
  checkNames('flowLosses', batch, ['x0', 't', 'noise']);
  const { x0, t, noise } = batch;
  const [count] = imageShape('x0', x0);
  checkShape('noise', noise, x0.shape);
  if (t.length !== count) throw new Error(`t: expected ${count} times, one a sample, got ${t.length}`);
  for (const time of t) if (!(time >= 0 && time <= 1)) throw new Error(`t: expected times in [0, 1], got ${time}`);
  return tf.tidy(() => {
    const velocity = tf.sub<tf.Tensor4D>(noise, x0);
    const xt = tf.add<tf.Tensor4D>(x0, tf.mul(velocity, tf.tensor4d(t, [count, 1, 1, 1])));
    const output = denoiser(xt, tf.tensor1d(t.map((time) => time * process.timeScale)));
    const mse = meanPerSample(tf.square(tf.sub(velocity, splitOutput(output, xt).mean)));
    return { loss: tf.clone(mse), mse };
  });
}
