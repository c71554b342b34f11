import { disposeParams } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { KindConfig } from '../src/config-types';
import type { KindTrainOptions } from '../src/gated-train-step';
import type { KindTrainState } from '../src/train-state';
import { kindTrainStep } from '../src/train-step';
import { inputsFor } from './tiny';

/** What a step of the tests trains, and how. */
export const OPTIONS: KindTrainOptions = { learningRate: 0.01, trainable: 'all', emaDecay: 0.9 };

/** One step on random inputs; loss and norm as numbers, the state before is left alone. */
export function step(
  state: KindTrainState,
  config: KindConfig,
  { labels, dropped, ...options }: Partial<KindTrainOptions> & { labels: number[]; dropped?: boolean[] },
) {
  const inputs = inputsFor(labels);
  const result = kindTrainStep(
    {
      state,
      config,
      labels: inputs.labels,
      ...(dropped && { dropped }),
      loss: (denoiser) => tf.mean(tf.square(denoiser(inputs.x, inputs.t))) as tf.Scalar,
    },
    { ...OPTIONS, ...options },
  );
  disposeParams({ x: inputs.x, t: inputs.t });
  const [loss, norm] = [result.loss, result.gradientNorm].map((scalar) => scalar.dataSync()[0]);
  result.loss.dispose();
  result.gradientNorm.dispose();
  return { state: result.state, loss, norm };
}
