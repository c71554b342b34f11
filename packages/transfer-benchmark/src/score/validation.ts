import type { ImageDataset } from '@learngene/datasets';
import { createGenerator, normal, stream } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { fewOfEach } from '../data/data';
import { toUnit } from '../learners/batch';
import type { Learner } from '../learners/learner';
import { batchLosses, diffusion } from '../learners/process';

const chunk = 64;

/** Pictures that nothing is trained on, with fixed noise and timesteps spread evenly over each class. */
export interface ValidationSet {
  count: number;
  pixels: Float32Array;
  noise: Float32Array;
  t: Int32Array;
  labels: Int32Array;
  shape: readonly [number, number, number];
}

/** Draws a validation set; it depends on the pictures alone. */
export async function validationSet(heldOut: ImageDataset, perClass: number): Promise<ValidationSet> {
  const chosen = fewOfEach(heldOut, perClass, { purpose: 'validation', seed: 0 });
  const { height, width, channels, labels, size } = chosen;
  const seen = new Map<number, number>();
  const t = Int32Array.from(labels, (label) => {
    const place = seen.get(label) ?? 0;
    seen.set(label, place + 1);
    const own = labels.reduce((sum, other) => sum + (other === label ? 1 : 0), 0);
    return Math.floor(((place + 0.5) / own) * diffusion.timesteps);
  });
  const pixels = toUnit(await chosen.read(Array.from({ length: size }, (_, i) => i)));
  const noise = normal(stream(createGenerator(0), 'validation-noise'), pixels.length);
  return { count: size, pixels, noise, t, labels: labels.slice(), shape: [height, width, channels] };
}

/** The mean loss over a validation set, with labels. */
export async function validationLoss(learner: Learner, set: ValidationSet): Promise<number> {
  const each = set.shape[0] * set.shape[1] * set.shape[2];
  let sum = 0;
  for (let start = 0; start < set.count; start += chunk) {
    const end = Math.min(set.count, start + chunk);
    const part = (values: Float32Array) =>
      tf.tensor4d(values.slice(start * each, end * each), [end - start, ...set.shape]);
    const losses = tf.tidy(() =>
      batchLosses(
        {
          x0: part(set.pixels),
          noise: part(set.noise),
          t: set.t.slice(start, end),
          labels: set.labels.slice(start, end),
        },
        (inputs) => learner.predict(inputs, 'class'),
      ),
    );
    for (const loss of await losses.data()) sum += loss;
    losses.dispose();
  }
  return sum / set.count;
}
