import { gaussianDiffusion, guideDenoiser, sampleDdim, trainingLosses } from '@learngene/diffusion';
import { applyDit, type DitParams, initDit } from '@learngene/dit';
import {
  type AdamWState,
  cloneParams,
  disposeParams,
  disposeReplacedParams,
  initAdamW,
  stepParameterGroups,
  valueAndGrad,
} from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { batchOf, shareWeights, startNoise, withoutZeros } from './batch';
import { configOf } from './config';
import { summary } from './pattern';
import type { ModelSpec, SampleSpec } from './specs';
import { stepProducts } from './step-products';
import type { WorkItem } from './task';

/** The linear schedule of 1000 steps, eps predicted. */
export const diffusion = gaussianDiffusion({ schedule: 'linear', timesteps: 1000 });

/** Losses of the first steps: both sides must train alike, not only start alike. */
export async function firstLosses(step: () => Promise<number>, { checkSteps = 3 }: ModelSpec): Promise<number[]> {
  const losses: number[] = [];
  while (losses.length < checkSteps) losses.push(await step());
  return losses;
}

async function freshDit(spec: ModelSpec): Promise<DitParams> {
  const generator = createGenerator(0);
  const params = withoutZeros(initDit(generator, configOf(spec)), generator);
  await shareWeights(spec.weights, params);
  return params;
}

/** The parameters of a dense DiT and the loss of one batch, as a user of @learngene/nn writes it. */
async function denseTraining(spec: ModelSpec) {
  const config = configOf(spec);
  const { x0, noise, t, labels } = batchOf(spec);
  const lossOf = (now: DitParams) => {
    const denoiser = (x: tf.Tensor4D, time: tf.Tensor1D) => applyDit(now, { x, t: time, labels }, { config });
    return tf.mean(trainingLosses(diffusion, denoiser, { x0, noise, t }).loss) as tf.Scalar;
  };
  return { params: await freshDit(spec), lossOf, disposeBatch: () => tf.dispose([x0, noise]) };
}

/** A whole training step of a dense DiT; the loss is read back. */
async function denseStep(spec: ModelSpec): Promise<WorkItem> {
  const { params: first, lossOf, disposeBatch } = await denseTraining(spec);
  let params = first;
  let ema = cloneParams(params);
  let state: AdamWState<DitParams> = initAdamW(params);

  const step = async (): Promise<number> => {
    const { value, grads } = valueAndGrad(lossOf, params);
    const { groups, gradientNorm } = stepParameterGroups([{ params, grads, state, ema }], {
      learningRate: 1e-4,
      weightDecay: 0,
      clipNorm: 1,
      emaDecay: 0.9999,
      donate: true,
    });
    const [after] = groups;
    disposeReplacedParams([params, state.m, state.v, ema], [after.params, after.state.m, after.state.v, after.ema]);
    disposeParams(grads);
    ({ params, state, ema } = after);
    const [loss] = await value.data();
    tf.dispose([value, gradientNorm]);
    return loss;
  };
  return {
    run: step,
    check: () => firstLosses(step, spec),
    dispose: () => {
      for (const tree of [params, state.m, state.v, ema]) disposeParams(tree);
      disposeBatch();
    },
  };
}

/** A step without its optimiser: the loss and the gradients of one batch. */
async function denseGradients(spec: ModelSpec): Promise<WorkItem> {
  const { params, lossOf, disposeBatch } = await denseTraining(spec);
  const step = async (): Promise<number> => {
    const { value, grads } = valueAndGrad(lossOf, params);
    const [loss] = await value.data();
    disposeParams(grads);
    value.dispose();
    return loss;
  };
  return {
    run: step,
    check: () => firstLosses(step, spec),
    dispose: () => {
      disposeParams(params);
      disposeBatch();
    },
  };
}

/** DDIM with guidance on a doubled batch. */
async function sample(spec: SampleSpec): Promise<WorkItem> {
  const config = configOf(spec);
  const params = await freshDit(spec);
  const labels = Int32Array.from([...spec.labels, ...spec.labels.map(() => spec.classes)]);
  return sampling(
    (x, t) => applyDit(params, { x, t, labels }, { config }),
    spec,
    () => disposeParams(params),
  );
}

/** Sampling with a network of a doubled batch: the samples with their labels, then without. */
export function sampling(
  batched: (x: tf.Tensor4D, t: tf.Tensor1D) => tf.Tensor4D,
  spec: SampleSpec,
  dispose: () => void,
): WorkItem {
  const noise = startNoise(spec);
  const denoiser = guideDenoiser({ batched }, { scale: spec.guidance });
  const run = () => sampleDdim(diffusion, denoiser, { noise, steps: spec.steps, clip: false, spacing: 'trailing' });
  return {
    run: async () => (await run()).dispose(),
    check: async () => {
      const x = await run();
      const [mean, square] = await summary(x);
      const size = tf.tidy(() => tf.mean(tf.abs(x)));
      const [absolute] = await size.data();
      tf.dispose([x, size]);
      return [mean, square, absolute];
    },
    dispose: () => {
      dispose();
      noise.dispose();
    },
  };
}

/** Work items made of a dense model. */
export const modelTasks = {
  'dense-step': denseStep,
  'dense-gradients': denseGradients,
  'step-products': stepProducts,
  sample,
};
