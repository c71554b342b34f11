import {
  type AdamWState,
  adamWStep,
  cloneParams,
  cosineSchedule,
  disposeParams,
  initAdamW,
  valueAndGrad,
  warmupSchedule,
} from '@learngene/nn';
import { type Generator, permutation, stream } from '@learngene/random';
import type { Scalar, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { checkImages, checkInteger, checkNumber } from '../check';
import { createTurns } from '../turn';
import type { ImageBatch } from '../types';
import { type AugmentOptions, augmentImages } from './augment';
import { type ClassifierConfig, classifierSizes } from './config';
import { applyClassifier, type ClassifierParams, initClassifier } from './model';
import { patchify } from './patchify';

/** Labelled images that are read by index. An `ImageDataset` of `@learngene/datasets` is one. */
export interface LabelledImages {
  /** Number of images. */
  readonly size: number;
  /** Rows of an image. */
  readonly height: number;
  /** Columns of an image. */
  readonly width: number;
  /** Channels of an image. */
  readonly channels: number;
  /** Class of each image, in [0, classes). */
  readonly labels: Int32Array;
  /** uint8 [n, H, W, C] of the given images. */
  read(indices: ArrayLike<number>): Promise<Uint8Array>;
}

/** Endless batches, such as those of `createBatches` of `@learngene/datasets`. */
export interface LabelledBatches {
  /** uint8 [n, H, W, C] and as many labels. */
  next(): Promise<{
    /** uint8 [n, H, W, C]. */
    readonly images: Uint8Array;
    /** [n] class ids. */
    readonly labels: Int32Array;
  }>;
}

/** Progress of {@link trainClassifier} after a step. */
export interface ClassifierStep {
  /** Steps done, from 1. */
  readonly step: number;
  /** Cross entropy of the step's batch, in nats. */
  readonly loss: number;
}

/** Options of {@link trainClassifier}. */
export interface TrainClassifierOptions {
  /** Shape of the classifier. */
  readonly config: ClassifierConfig;
  /** Where batches come from: images by index, shuffled anew each epoch, or ready batches. */
  readonly data: LabelledImages | LabelledBatches;
  /**
   * Seeds the initial parameters, the order and the augmentation, through named streams. Nothing is drawn from it
   * itself.
   */
  readonly generator: Generator;
  /** Steps of AdamW. */
  readonly steps: number;
  /** Images a step (default 64); ready batches have their own size. */
  readonly batchSize?: number;
  /**
   * Peak learning rate (default 3e-3). It is reached after 5 % of the steps and then falls to 0 along half a cosine.
   */
  readonly learningRate?: number;
  /** Decoupled weight decay (default 0.05). */
  readonly weightDecay?: number;
  /** Random shifts and mirroring (default: shift 1, flip); `false` for none. */
  readonly augment?: AugmentOptions | false;
  /** Called after every step. */
  readonly onStep?: (progress: ClassifierStep) => void;
  /** Ends the training early: the promise rejects with the signal's reason, all tensors are freed. */
  readonly signal?: AbortSignal;
  /** Called before that with what was done, from which {@link from} goes on; its tensors live as long as the call. */
  readonly onStop?: (training: ClassifierTraining) => Promise<void>;
  /**
   * A training of the same options that was stopped; its tensors stay the caller's. The result has the bits of one that was not:
   * what was drawn for the steps that were done is drawn again.
   */
  readonly from?: ClassifierTraining;
}

/** A training of a classifier that was stopped between two steps. */
export interface ClassifierTraining {
  /** Parameters. */
  readonly params: ClassifierParams;
  /** State of AdamW; its `step` counts the steps that were done. */
  readonly state: AdamWState<ClassifierParams>;
  /** Loss of every step that was done. */
  readonly history: Float32Array;
}

/** Result of {@link trainClassifier}. */
export interface TrainedClassifier {
  /** Parameters; the caller owns them. */
  readonly params: ClassifierParams;
  /** Loss of every step. */
  readonly history: Float32Array;
}

/** {@link LabelledImages} over arrays in memory. */
export function labelledImages(images: ImageBatch, labels: ArrayLike<number>): LabelledImages {
  checkImages('images', images);
  const { data, count, height, width, channels } = images;
  if (labels.length !== count) throw new RangeError(`labels: expected ${count}, one an image, got ${labels.length}`);
  const size = height * width * channels;
  const read = async (indices: ArrayLike<number>) => {
    const out = new Uint8Array(indices.length * size);
    Array.from(indices).forEach((index, i) => {
      out.set(data.subarray(index * size, (index + 1) * size), i * size);
    });
    return out;
  };
  return { size: count, height, width, channels, labels: Int32Array.from(labels), read };
}

/**
 * Trains a new classifier with AdamW on the cross entropy. The same generator seed, data and backend give the same
 * bits. It needs no kernel that the wasm backend lacks.
 *
 * @throws RangeError for images or labels that do not fit `config`; Error when the loss is not finite.
 */
export async function trainClassifier(options: TrainClassifierOptions): Promise<TrainedClassifier> {
  const {
    config,
    generator,
    steps,
    learningRate = 3e-3,
    weightDecay = 0.05,
    augment = {},
    onStep,
    signal,
    onStop,
    from,
  } = options;
  checkInteger('steps', steps, 1);
  checkNumber('learningRate', learningRate, 0, false);
  checkNumber('weightDecay', weightDecay, 0);
  if (augment) checkInteger('augment.shift', augment.shift ?? 0, 0);
  const next = batchReader(options);
  const changes = stream(generator, 'classifier.augment');
  const warmup = Math.max(1, Math.round(steps / 20));
  const rate = warmupSchedule({
    steps: warmup,
    schedule: cosineSchedule({ start: learningRate, steps: Math.max(1, steps - warmup) }),
  });
  let done = from?.state.step ?? 0;
  if (done > steps) throw new RangeError(`from: expected at most ${steps} steps, got ${done}`);
  let params = from ? cloneParams(from.params) : initClassifier(stream(generator, 'classifier.init'), config);
  let state = from ? { step: done, m: cloneParams(from.state.m), v: cloneParams(from.state.v) } : initAdamW(params);
  const history = new Float32Array(steps);
  history.set(from?.history.subarray(0, done) ?? []);
  try {
    const turn = createTurns();
    for (let step = 0; step < steps; step++) {
      await turn();
      if (signal?.aborted) {
        await onStop?.({ params, state, history: history.slice(0, done) });
        signal.throwIfAborted();
      }
      const { images, labels } = await next();
      const shown = augment === false ? images : augmentImages(images, changes, augment);
      if (step < done) continue;
      const updated = trainStep({
        params,
        state,
        images: shown,
        labels,
        config,
        learningRate: rate(step),
        weightDecay,
      });
      disposeAll(params, state);
      ({ params, state } = updated);
      done = step + 1;
      history[step] = (await updated.loss.data())[0];
      updated.loss.dispose();
      if (!Number.isFinite(history[step]))
        throw new Error(`loss: expected a finite value, got ${history[step]} at step ${step + 1}`);
      onStep?.({ step: step + 1, loss: history[step] });
    }
  } catch (error) {
    disposeAll(params, state);
    throw error;
  }
  disposeParams(state.m);
  disposeParams(state.v);
  return { params, history };
}

function disposeAll(params: ClassifierParams, { m, v }: AdamWState<ClassifierParams>): void {
  for (const tree of [params, m, v]) disposeParams(tree);
}

interface Labelled {
  readonly images: ImageBatch;
  readonly labels: Int32Array;
}

/** Makes a function that reads and checks batches from either kind of source. */
function batchReader({ config, data, generator, batchSize = 64 }: TrainClassifierOptions): () => Promise<Labelled> {
  const { height, width, channels, classes } = config;
  checkInteger('batchSize', batchSize, 1);
  const toBatch = (bytes: Uint8Array, labels: Int32Array): Labelled => {
    const images = { data: bytes, count: labels.length, height, width, channels };
    checkImages('data', images);
    const wrong = labels.find((label) => label < 0 || label >= classes);
    if (wrong !== undefined) throw new RangeError(`labels: expected values in [0, ${classes}), got ${wrong}`);
    return { images, labels };
  };
  if ('next' in data) {
    return async () => {
      const { images, labels } = await data.next();
      return toBatch(images, labels);
    };
  }
  if (data.height !== height || data.width !== width || data.channels !== channels) {
    const got = `[${data.height}, ${data.width}, ${data.channels}]`;
    throw new RangeError(`data: expected images of [${height}, ${width}, ${channels}], got ${got}`);
  }
  checkInteger('data.size', data.size, 1);
  const shuffles = stream(generator, 'classifier.order');
  let order: number[] = [];
  return async () => {
    while (order.length < batchSize) order = order.concat(Array.from(permutation(shuffles, data.size)));
    const indices = order.splice(0, batchSize);
    return toBatch(
      await data.read(indices),
      Int32Array.from(indices, (index) => data.labels[index]),
    );
  };
}

interface StepInputs extends Labelled {
  readonly params: ClassifierParams;
  readonly state: AdamWState<ClassifierParams>;
  readonly config: ClassifierConfig;
  readonly learningRate: number;
  readonly weightDecay: number;
}

/** Does one step. Returns new parameters, the new state and the loss. */
function trainStep({ params, state, images, labels, config, learningRate, weightDecay }: StepInputs) {
  let kept: AdamWState<ClassifierParams> | undefined;
  const result = tf.tidy(() => {
    const windows = windowTensor(images, config);
    const target = tf.oneHot(tf.tensor1d(labels, 'int32'), config.classes) as Tensor2D;
    const { value, grads } = valueAndGrad((p) => classifierLoss(p, windows, target, config), params);
    const updated = adamWStep({ params, grads, state }, { learningRate, weightDecay });
    kept = updated.state;
    return { params: updated.params, m: updated.state.m, v: updated.state.v, loss: value };
  });
  return {
    params: result.params,
    loss: result.loss,
    state: { step: (kept as AdamWState).step, m: result.m, v: result.v },
  };
}

/** Mean cross entropy in nats of windows [N, T, P] against one-hot targets [N, K]; without a tidy. */
export function classifierLoss(
  params: ClassifierParams,
  windows: Tensor3D,
  target: Tensor2D,
  config: ClassifierConfig,
): Scalar {
  const { logits } = applyClassifier(params, windows, config);
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), target), -1)));
}

/** The windows of a batch as a tensor [N, T, P]; the caller owns it. */
export function windowTensor(images: ImageBatch, config: ClassifierConfig): Tensor3D {
  const { tokens, patch } = classifierSizes(config);
  return tf.tensor3d(patchify(images, config), [images.count, tokens, patch], 'float32');
}
