import * as tf from '@tensorflow/tfjs-core';
import { patternTensor } from './pattern';
import type { ModelSpec } from './specs';
import type { WorkItem } from './task';

/** Width of the sinusoids of a timestep. */
const TIMESTEP_DIMS = 256;

/** Scales a pattern, which is uniform in [-0.5, 0.5), to variance 1 / width. */
function scaleOf(width: number): number {
  return Math.sqrt(12 / width);
}

/** What the products of a training step run on. */
interface Pass {
  /** The products of the way back, in their order. */
  readonly back: (() => void)[];
  /** x weightᵀ, and on the way back the gradients of weight and, unless it is an input, of x. */
  linear(x: tf.Tensor2D, weight: tf.Tensor2D, isInput?: boolean): tf.Tensor2D;
}

/** Results stand in for the gradients that come in: they have their shapes. */
function newPass(): Pass {
  const back: (() => void)[] = [];
  const linear: Pass['linear'] = (x, weight, isInput = false) => {
    const y = tf.matMul(x, weight, false, true) as tf.Tensor2D;
    back.unshift(() => {
      if (!isInput) tf.matMul(y, weight).dispose();
      tf.matMul(y, x, true, false); // kept until the end, as a step keeps it for its optimiser
    });
    return y;
  };
  return { back, linear };
}

/** The products of attention, of `count` heads over T tokens; f32 whatever the precision, as the op computes them. */
function attention({ back }: Pass, [q, k, v]: tf.Tensor2D[], [count, T]: [number, number]): tf.Tensor2D {
  const [Q, K, V] = [q, k, v].map((x) => tf.reshape(x, [count, T, -1])); // [N · heads, T, head]
  const scores = inF32(() => tf.matMul(Q, K, false, true));
  const mixed = inF32(() => tf.matMul(scores, V));
  back.unshift(() => {
    const grads = () => [
      tf.matMul(mixed, V, false, true),
      tf.matMul(scores, mixed, true, false),
      tf.matMul(scores, K),
      tf.matMul(scores, Q, true, false),
    ];
    tf.dispose([scores, inF32(grads)]);
  });
  return tf.reshape(mixed, q.shape);
}

function inF32<T>(products: () => T): T {
  const engine = tf.backend() as unknown as { precision?: string };
  const { precision } = engine;
  if (precision === undefined) return products();
  engine.precision = 'f32';
  try {
    return products();
  } finally {
    engine.precision = precision;
  }
}

/**
 * All matrix products of a dense model's forward pass and gradients, in the order of a step and with weights and rows of
 * their own, and nothing else: no bias, norm, activation, gate or softmax.
 */
export async function stepProducts(spec: ModelSpec): Promise<WorkItem> {
  const { batch, hiddenSize: D, depth, heads, inChannels, inputSize, patchSize } = spec;
  const T = (inputSize / patchSize) ** 2;
  const patch = patchSize ** 2 * inChannels;
  const owned: tf.Tensor[] = [];
  const values = (rows: number, columns: number, scale: number): tf.Tensor2D => {
    const made = patternTensor<tf.Rank.R2>([rows, columns], owned.length, scale);
    owned.push(made);
    return made;
  };
  const weight = (out: number, width: number, scale = 1) => values(out, width, scale * scaleOf(width));
  const [image, sinusoids] = [values(batch * T, patch, scaleOf(1)), values(batch, TIMESTEP_DIMS, scaleOf(1))];
  const ends = { patch: weight(D, patch), time: [weight(D, TIMESTEP_DIMS), weight(D, D)] };
  const head = { adaln: weight(2 * D, D), linear: weight(patch, D) };
  // An eighth each, so that scores and what they mix stay of the size of the rest.
  const blocks = Array.from({ length: depth }, () => ({
    adaln: weight(6 * D, D),
    qkv: [weight(D, D, 1 / 8), weight(D, D, 1 / 8), weight(D, D)],
    o: weight(D, D),
    mlp: [weight(4 * D, D), weight(D, 4 * D)],
  }));
  const run = () =>
    tf.tidy(() => {
      const pass = newPass();
      const { linear } = pass;
      const condition = linear(linear(sinusoids, ends.time[0], true), ends.time[1]);
      let x = linear(image, ends.patch, true);
      for (const { adaln, qkv, o, mlp } of blocks) {
        linear(condition, adaln);
        const parts = qkv.map((part) => linear(x, part));
        x = linear(attention(pass, parts, [batch * heads, T]), o);
        x = linear(linear(x, mlp[0]), mlp[1]);
      }
      linear(condition, head.adaln);
      linear(x, head.linear);
      for (const products of pass.back) products();
    });
  return { run, check: async () => [], dispose: () => tf.dispose(owned) };
}
