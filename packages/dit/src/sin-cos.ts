import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** π/2 in three parts (Cody & Waite 1980, as in Cephes' sinf): multiples of the first two below 2^11 are exact. */
const HALF_PI = [1.5703125, 4.837512969970703e-4, 7.549789948768648e-8] as const;

/** Minimax polynomials of Cephes' sinf and cosf on [-π/4, π/4], highest power first, in z = r². */
const SIN = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1] as const; // (sin r - r) / r³
const COS = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2] as const; // (cos r - 1 + z / 2) / z²

function polynomial(coefficients: readonly number[], z: Tensor): Tensor {
  const [first, ...rest] = coefficients;
  return rest.reduce((sum: Tensor, c) => tf.add(tf.mul(sum, z), c), tf.fill(z.shape, first));
}

/**
 * Cosine and sine by additions and multiplications alone, within 1.5e-7 for |x| up to 3000: WGSL promises for its own
 * `sin` and `cos` 5e-4 in [-π, π] and nothing beyond. Call it in a scope; not differentiable in useful precision.
 *
 * @param x - f32 of any shape, |x| at most 3000.
 * @returns [cos x, sin x], of x's shape.
 */
export function cosSin(x: Tensor): [cos: Tensor, sin: Tensor] {
  const k = tf.floor(tf.add(tf.mul(x, 2 / Math.PI), 0.5)); // quarter turns
  const r = HALF_PI.reduce((rest: Tensor, part) => tf.sub(rest, tf.mul(k, part)), x); // in [-π/4, π/4]
  const z = tf.square(r);
  const sin = tf.add(r, tf.mul(tf.mul(r, z), polynomial(SIN, z)));
  const cos = tf.add(tf.sub(1, tf.mul(z, 0.5)), tf.mul(tf.square(z), polynomial(COS, z)));
  const turns = (n: Tensor) => tf.sub(n, tf.mul(tf.floor(tf.mul(n, 0.5)), 2)); // n mod 2
  const odd = tf.greater(turns(k), 0.5);
  const sign = (quarters: Tensor) => tf.sub(1, tf.mul(turns(tf.floor(tf.mul(quarters, 0.5))), 2)); // of k mod 4: + + - -
  return [tf.mul(sign(tf.add(k, 1)), tf.where(odd, sin, cos)), tf.mul(sign(k), tf.where(odd, cos, sin))];
}
