import type { Batch } from '@learngene/datasets';
import { gateOrder } from '@learngene/nn';
import type { Config } from '@learngene/pipeline';
import { type Generator, normal, uniform } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';

/** One training batch, ordered for the class gate: samples without a label first, then by class. */
export interface TrainingBatch {
  /** [N, H, W, C] in [-1, 1]. */
  x0: tf.Tensor4D;
  /** Standard normal, the shape of x0. */
  noise: tf.Tensor4D;
  /** The class of every sample. */
  labels: Int32Array;
  /** 1 where the label was dropped. */
  dropped: Uint8Array;
}

/** Draws what a batch needs besides its pictures, and makes tensors of it; the caller disposes them. */
export function prepareBatch(
  batch: Pick<Batch, 'images' | 'labels'>,
  shape: readonly [height: number, width: number, channels: number],
  { generator, model }: { generator: Generator; model: Config['model'] },
): TrainingBatch {
  const count = batch.labels.length;
  const pixels = shape[0] * shape[1] * shape[2];
  const drawn = uniform(generator, count).map((u) => (u < model.labelDropout ? 1 : 0));
  const order = gateOrder(batch.labels, drawn, { droppedKeepGroup: model.nullGate === 'own-class' });
  const values = new Float32Array(count * pixels);
  order.forEach((from, to) => {
    for (let p = 0; p < pixels; p++) values[to * pixels + p] = batch.images[from * pixels + p] / 127.5 - 1;
  });
  const dims: [number, number, number, number] = [count, ...shape];
  return {
    x0: tf.tensor4d(values, dims),
    noise: tf.tensor4d(normal(generator, count * pixels), dims),
    labels: Int32Array.from(order, (i) => batch.labels[i]),
    dropped: Uint8Array.from(order, (i) => drawn[i]),
  };
}
