// A small vision transformer that leaves its linear layers to `linear`, and what KIND needs to know of it.
import type { GatedBatch, KindNetwork, TailorGroup } from '@learngene/kind';
import { attention, gelu, layerNorm, matmulNT } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';

export const size = 24; // pixels a side
const [patch, D, depth, heads] = [6, 48, 2, 4]; // pixels a side of a token; width, blocks and heads
const [T, pixels] = [(size / patch) ** 2, patch * patch * 3]; // tokens of an image, numbers of a patch

/** Factored layers, what all classes share, and one row of the head for each class. */
export function vitNetwork(classes: number): KindNetwork {
  const widths = Object.entries({ q: [D, D], k: [D, D], v: [D, D], o: [D, D], in: [D, 2 * D], out: [2 * D, D] });
  const blocks = Array.from({ length: depth }, (_, i) =>
    widths.map(([name, [from, to]]) => ({ name: `blocks.${i}.${name}`, in: from, out: to, tokens: T })),
  );
  const layers = [{ name: 'embed', in: pixels, out: D, tokens: T }, ...blocks.flat()];
  return { name: 'vit', classes, layers, shared: { position: [T, D] }, rows: { head: [D] }, denseMacs: 4 * T * T * D };
}

/** Features [N, D] of images [N, H, W, 3]: normalisation without weights, mean over tokens. */
function vit({ shared, linear }: GatedBatch, images: tf.Tensor4D): tf.Tensor2D {
  const grid = tf.transpose(tf.reshape(images, [-1, size / patch, patch, size / patch, patch * 3]), [0, 1, 3, 2, 4]);
  let x = tf.add(linear(tf.reshape(grid, [-1, T, pixels]), 'embed'), shared.position as tf.Tensor2D) as tf.Tensor3D;
  for (let i = 0; i < depth; i++) {
    const a = layerNorm(x); // [N, T, D]
    const [q, k, v] = ['q', 'k', 'v'].map((name) => linear(a, `blocks.${i}.${name}`)); // each [N, T, D]
    x = tf.add(x, linear(attention(q, k, v, { heads }), `blocks.${i}.o`));
    x = tf.add(x, linear(gelu(linear(layerNorm(x), `blocks.${i}.in`)), `blocks.${i}.out`));
  }
  return tf.mean(layerNorm(x), 1); // [N, D]
}

/** Logits [N, classes] of images of known superclasses: a class outside the superclass of `labels[n]` has -1e9. */
export function vitLogits(batch: GatedBatch, images: tf.Tensor4D, groups: readonly TailorGroup[], labels: Int32Array) {
  const head = tf.concat(groups.map(({ name }) => batch.tailors(name).head as tf.Tensor2D)); // [classes, D]
  const outside = (id: number) => groups.flatMap(({ classes }) => classes.map(() => (classes.includes(id) ? 0 : -1e9)));
  const features = batch.restore(vit(batch, batch.reorder(images))); // [N, D]
  return tf.add(matmulNT(features, head), tf.tensor2d(Array.from(labels, outside)));
}
