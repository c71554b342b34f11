import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** One step of a network, from images to images. */
export type Step = (x: Tensor4D) => Tensor4D;

/**
 * Applies steps one after another. Each result is freed as soon as the next one is there, so that memory holds a step's input
 * and output and not the whole network; results that a gradient needs are kept by tfjs until then.
 *
 * @param x - never disposed.
 */
export function chain(x: Tensor4D, steps: readonly Step[]): Tensor4D {
  const last = steps.at(-1);
  return last === undefined ? x : tf.tidy(() => last(chain(x, steps.slice(0, -1))));
}
