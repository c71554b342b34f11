import * as tf from '@tensorflow/tfjs-core';

/** Most elements of an input that are checked on WebGPU, where one pass on a software adapter takes up to 100 ms. */
const WEBGPU_ELEMENTS = 12;

/** Settings of {@link checkGradient}. */
export interface GradientCheckOptions {
  /** Step of the central difference (default 1e-2: float32 forward passes). */
  step?: number;
  /** Largest accepted ‖analytic - numeric‖ / max(1, ‖numeric‖) for each input (default 2e-3). */
  tolerance?: number;
}

/**
 * Compares the gradients of `sum(f(...inputs) * w)` with central differences in every element of every input; w is a
 * fixed pseudo-random weight. On WebGPU only some elements, spread evenly, are compared. Keep the inputs small: each
 * element costs two forward passes.
 */
export function checkGradient(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
  { step = 1e-2, tolerance = 2e-3 }: GradientCheckOptions = {},
): void {
  const weighted = (...xs: tf.Tensor[]): tf.Scalar => {
    const y = f(...xs);
    const w = tf.tensor(
      Float32Array.from({ length: y.size }, (_, i) => Math.sin(12.9898 * (i + 1))),
      y.shape,
    );
    return tf.sum(tf.mul(y, w)) as tf.Scalar;
  };
  tf.tidy(() => {
    const { grads } = tf.engine().gradients(() => weighted(...inputs), [...inputs]);
    inputs.forEach((input, index) => {
      const base = Float32Array.from(input.dataSync());
      const analytic = grads[index].dataSync();
      let difference = 0;
      let norm = 0;
      const stride = tf.getBackend() === 'webgpu' ? Math.max(1, base.length / WEBGPU_ELEMENTS) : 1;
      for (let element = 0; element < base.length; element += stride) {
        const i = Math.floor(element);
        const at = (delta: number) => {
          const moved = base.slice();
          moved[i] += delta;
          return tf.tidy(() => {
            const xs = inputs.map((x, k) => (k === index ? tf.tensor(moved, x.shape) : x));
            return weighted(...xs).dataSync()[0];
          });
        };
        const numeric = (at(step) - at(-step)) / (2 * step);
        difference += (analytic[i] - numeric) ** 2;
        norm += numeric ** 2;
      }
      const error = Math.sqrt(difference) / Math.max(1, Math.sqrt(norm));
      if (!(error <= tolerance)) throw new Error(`gradient of input ${index}: error ${error} above ${tolerance}`);
    });
  });
}
