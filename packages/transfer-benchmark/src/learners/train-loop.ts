import { setImmediate } from 'node:timers/promises';
import { type BatchState, createBatches, type ImageDataset } from '@learngene/datasets';
import { type Schedule, warmupDecay } from '@learngene/nn';
import { createGenerator, stream } from '@learngene/random';
import { balanceClasses } from '@learngene/trainer/node';
import * as tf from '@tensorflow/tfjs-core';
import { drawBatch } from './batch';
import type { Learner } from './learner';
import { diffusion } from './process';

/** A training of any method. */
export interface TrainLoopOptions {
  learner: Learner;
  /** Pictures; classes are drawn equally often. */
  data: ImageDataset;
  /** Seeds the order of the pictures, flips, noise, timesteps and dropped labels; the same for every method. */
  seed: number;
  /** Which training: names the streams. */
  purpose: string;
  batchSize: number;
  flip: boolean;
  labelDropout: number;
  emaDecay: number;
  droppedFirst: boolean;
  rates: Schedule;
  /** The step after which the training ends. */
  steps: number;
  /** Where it goes on, of a checkpoint. */
  from?: { step: number; batches: BatchState };
  signal: AbortSignal;
  /** Called after every step; `batches` is the place to go on from. */
  onStep(event: { step: number; loss: number; norm: number; ms: number; batches: () => BatchState }): Promise<void>;
}

const clipNorm = 1;

/** Trains to the last step. Throws where the loss is not finite, and the signal's reason on an abort. */
export async function trainLoop(options: TrainLoopOptions): Promise<void> {
  const { learner, seed, purpose, batchSize, flip, labelDropout, emaDecay, droppedFirst, rates, steps, from } = options;
  const data = balanceClasses(options.data);
  const shape = [data.height, data.width, data.channels] as const;
  const batchSeed = Number(stream(createGenerator(seed), `${purpose}/batches`).seed);
  const batches = createBatches(data, {
    batchSize: Math.min(batchSize, data.size),
    flip,
    seed: batchSeed,
    state: from?.batches,
  });
  try {
    for (let step = from?.step ?? 0; step < steps; step++) {
      await setImmediate();
      options.signal.throwIfAborted();
      const drawn = await batches.next();
      const batch = drawBatch(drawn, shape, {
        seed,
        purpose,
        step,
        labelDropout,
        timesteps: diffusion.timesteps,
        droppedFirst,
      });
      const started = performance.now();
      const { loss, norm } = await learner.step(batch, {
        learningRate: rates(step),
        emaDecay: warmupDecay(emaDecay, step),
        clipNorm,
      });
      const ms = performance.now() - started;
      tf.dispose([batch.x0, batch.noise]);
      if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
        throw new Error(`training: the loss is ${loss} (gradient norm ${norm}) at step ${step + 1}`);
      }
      await options.onStep({ step: step + 1, loss, norm, ms, batches: () => batches.state() });
    }
  } finally {
    batches.close();
  }
}
