import * as tf from '@tensorflow/tfjs-core';

/** Milliseconds that a round of products should take: long beside the read-back that ends it. */
const ROUND_MILLISECONDS = 100;

/** Multiplies two matrices `count` times and waits for the last product by one number; the seconds this took. */
async function timeProducts([a, b]: readonly tf.Tensor2D[], count: number): Promise<number> {
  const started = performance.now();
  let last = tf.matMul(a, b);
  for (let i = 1; i < count; i++) {
    last.dispose();
    last = tf.matMul(a, b);
  }
  const corner = tf.slice(last, [0, 0], [1, 1]);
  await corner.data();
  const seconds = (performance.now() - started) / 1000;
  tf.dispose([last, corner]);
  return seconds;
}

/**
 * The speed of square matrix products in float32 on the active backend, in GFLOP/s: the median of warm rounds, each of
 * several products and one read-back. The matrices grow until a product takes 10 ms, up to 2048 rows.
 *
 * @param milliseconds - how long to measure, warm-up not counted
 */
export async function productRate(milliseconds = 1000): Promise<number> {
  let size = 128;
  let pair: tf.Tensor2D[] = [];
  let one = 0;
  try {
    do {
      tf.dispose(pair);
      size *= 2;
      pair = [tf.randomUniform([size, size], -1, 1, 'float32', 1), tf.randomUniform([size, size], -1, 1, 'float32', 2)];
      await timeProducts(pair, 1); // compiles shaders, fills buffer pools, wakes threads
      one = await timeProducts(pair, 1);
    } while (one < 0.01 && size < 2048);
    const count = Math.min(1000, Math.max(3, Math.ceil(ROUND_MILLISECONDS / 1000 / one)));
    const rates: number[] = [];
    const started = performance.now();
    while (rates.length < 3 || performance.now() - started < milliseconds) {
      rates.push((count * 2 * size ** 3) / (await timeProducts(pair, count)) / 1e9);
    }
    return rates.sort((x, y) => x - y)[rates.length >> 1];
  } finally {
    tf.dispose(pair);
  }
}
