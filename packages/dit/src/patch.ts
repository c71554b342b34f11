import * as tf from '@tensorflow/tfjs-core';

/**
 * Cuts images into square patches: [N, H, W, C] to [N, (H/p)·(W/p), C·p·p].
 *
 * Patches come in row-major order; inside one the order is (channel, row, column), that of a flattened torch
 * convolution weight, so the embedding is one matrix product. The caller owns the result.
 *
 * @throws when p does not divide H and W
 */
export function patchify(x: tf.Tensor4D, patchSize: number): tf.Tensor3D {
  const [N, H, W, C] = x.shape;
  const p = patchSize;
  checkPositive('patchSize', p);
  if (H % p !== 0 || W % p !== 0) throw new Error(`x: expected height and width divisible by ${p}, got [${x.shape}]`);
  return tf.tidy(() => {
    const cut = tf.reshape(x, [N, H / p, p, W / p, p, C]); // [N, h, p, w, p, C]
    const ordered = tf.transpose(cut, [0, 1, 3, 5, 2, 4]); // [N, h, w, C, p, p]
    return tf.reshape(ordered, [N, (H / p) * (W / p), C * p * p]); // [N, T, C·p·p]
  });
}

/** Settings of {@link unpatchify}. */
export interface UnpatchifyOptions {
  /** Side of a patch. */
  readonly patchSize: number;
  /** Channels of the images. */
  readonly channels: number;
}

/**
 * Puts square images together from patches: [N, g·g, p·p·C] to [N, g·p, g·p, C].
 *
 * Inside a patch the order is (row, column, channel), that of DiT's output projection, and not the order that
 * `patchify` makes. The caller owns the result.
 *
 * @throws when the number of patches is no square or their width is wrong
 */
export function unpatchify(tokens: tf.Tensor3D, { patchSize: p, channels: C }: UnpatchifyOptions): tf.Tensor4D {
  const [N, T, width] = tokens.shape;
  checkPositive('patchSize', p);
  checkPositive('channels', C);
  const g = Math.round(Math.sqrt(T));
  if (g * g !== T || width !== p * p * C) {
    throw new Error(`tokens: expected [N, g*g, ${p * p * C}], got [${tokens.shape}]`);
  }
  return tf.tidy(() => {
    const rows = tf.reshape(tokens, [N * g, g, p, p * C]); // a row of a patch, p·C numbers, stays together
    return tf.reshape(tf.transpose(rows, [0, 2, 1, 3]), [N, g * p, g * p, C]); // [N, H, W, C]
  });
}

function checkPositive(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${name}: expected a positive integer, got ${value}`);
}
