import { setImmediate } from 'node:timers/promises';
import { type Batches, createBatches, type ImageDataset } from '@learngene/datasets';
import { createLossSecondMoment, type LossSecondMoment, updateLossSecondMoment } from '@learngene/diffusion';
import {
  disposeKindTraining,
  disposeReplaced,
  type GroupSteps,
  type KindModel,
  type KindTrainState,
  kindTrainStep,
  stateFromTrees,
  stateToTrees,
  type Trainable,
} from '@learngene/kind';
import { constantSchedule, cosineSchedule, type Schedule, warmupDecay, warmupSchedule } from '@learngene/nn';
import type { Config, Progress } from '@learngene/pipeline';
import { createDiffusionProcess, type DiffusionProcess } from '@learngene/pipeline';
import { checkpointSteps, loadCheckpoint } from '@learngene/pipeline/node';
import { createGenerator, type Generator, restoreGenerator, saveGenerator, stream } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { balanceClasses } from '../data/open-data';
import { interruptedBy } from '../errors';
import { pruneCheckpoints } from '../run-folder/create-run';
import { type MetricsLog, openMetricsLog } from '../run-folder/metrics-log';
import { saveCheckpoint } from '../run-folder/save-checkpoint';
import { prepareBatch } from './batch';
import { drawTimes, sampleLosses } from './objective';

/** A run that is to be trained. */
export interface TrainingJob {
  /** The run folder; it exists and holds the record. */
  run: string;
  /** Everything that decides the numbers. */
  config: Config;
  /** Shapes, groups and gate. */
  model: KindModel['config'];
  /** What is trained. */
  trainable: Trainable;
  /** Pictures to train on. */
  data: ImageDataset;
  /** Makes the state before the first step; not called when a checkpoint is continued. */
  start(): KindTrainState;
  /** Called with the averaged weights every `sampleEvery` steps but for the last. */
  onSample?(step: number, ema: KindModel): Promise<void>;
}

/** Sums since the last line of the log. */
interface Window {
  loss: number;
  norm: number;
  steps: number;
}

interface Progressing {
  state: KindTrainState;
  generator: Generator;
  batches: Batches;
  moments?: LossSecondMoment;
  window: Window;
  log: MetricsLog;
}

function learningRates({ training }: Config): Schedule {
  const { learningRate, warmup, decay, steps } = training;
  const rest = Math.max(1, steps - warmup);
  const after =
    decay === 'cosine' ? cosineSchedule({ start: learningRate, steps: rest }) : constantSchedule(learningRate);
  return warmup > 0 ? warmupSchedule({ steps: warmup, schedule: after }) : after;
}

/** The state before the first step, or that of the newest checkpoint. */
async function begin({ run, config, model, data, start }: TrainingJob): Promise<Progressing> {
  const { seed, training, diffusion } = config;
  const images = config.data.balance ? balanceClasses(data) : data;
  const common = { batchSize: Math.min(training.batchSize, images.size), flip: config.data.flip, prefetch: 2 };
  const batchSeed = Number(stream(createGenerator(seed), 'batches').seed);
  const last = (await checkpointSteps(run)).at(-1);
  if (last === undefined) {
    return {
      state: start(),
      generator: stream(createGenerator(seed), 'training'),
      batches: createBatches(images, { ...common, seed: batchSeed }),
      moments:
        diffusion.timestepSampler === 'loss-second-moment' && diffusion.process === 'gaussian'
          ? createLossSecondMoment({ timesteps: diffusion.timesteps })
          : undefined,
      window: { loss: 0, norm: 0, steps: 0 },
      log: openMetricsLog(run, 0),
    };
  }
  const { trees, state: saved } = await loadCheckpoint(run, last);
  return {
    state: stateFromTrees({ trees, steps: (saved.groupSteps ?? saved.pieceSteps) as GroupSteps, step: last }, model),
    generator: restoreGenerator(saved.generator as ReturnType<typeof saveGenerator>),
    batches: createBatches(images, {
      ...common,
      seed: batchSeed,
      state: saved.batches as ReturnType<Batches['state']>,
    }),
    moments: saved.moments as LossSecondMoment | undefined,
    window: saved.window as Window,
    log: openMetricsLog(run, saved.metricsBytes as number),
  };
}

async function writeCheckpoint({ run, config, model }: TrainingJob, now: Progressing): Promise<void> {
  const { trees, steps } = stateToTrees(now.state, model);
  now.log.flush();
  await saveCheckpoint(run, now.state.step, {
    trees,
    state: {
      groupSteps: steps,
      generator: saveGenerator(now.generator),
      batches: now.batches.state(),
      moments: now.moments,
      window: now.window,
      metricsBytes: now.log.bytes(),
    },
  });
  await pruneCheckpoints(run, config.training.keepCheckpoints);
}

function interrupted(signal: AbortSignal, step: number): Error {
  const message = `interrupted after step ${step}; a checkpoint was written, continue with --resume (a demo: run it again)`;
  return interruptedBy(signal, message);
}

/** One optimiser step; replaces `now.state`. */
async function trainOnce(
  { config, model, trainable, data }: TrainingJob,
  now: Progressing,
  { process, rate }: { process: DiffusionProcess; rate: number },
): Promise<{ loss: number; norm: number }> {
  const { training } = config;
  const drawn = await now.batches.next();
  const batch = prepareBatch(drawn, [data.height, data.width, data.channels], {
    generator: now.generator,
    model: config.model,
  });
  const { x0, noise, labels, dropped } = batch;
  const { t, weights } = drawTimes(process, { size: labels.length, generator: now.generator, moments: now.moments });
  let kept: tf.Tensor1D | undefined;
  const result = kindTrainStep(
    {
      state: now.state,
      config: model,
      labels,
      dropped,
      loss: (denoiser) => {
        const losses = sampleLosses(process, denoiser, { x0, noise, t });
        if (now.moments !== undefined) kept = tf.keep(tf.clone(losses));
        return tf.mean(tf.mul(losses, tf.tensor1d(weights))) as tf.Scalar;
      },
    },
    {
      learningRate: rate,
      trainable,
      weightDecay: training.weightDecay,
      clipNorm: training.clipNorm,
      emaDecay: warmupDecay(training.emaDecay, now.state.step),
      factorLearningRateScale: training.factorLearningRateScale,
      orthogonality: training.orthogonality,
      reuse: true,
    },
  );
  const [[loss], [norm], losses] = await Promise.all([result.loss.data(), result.gradientNorm.data(), kept?.data()]);
  tf.dispose([x0, noise, result.loss, result.gradientNorm, ...(kept ? [kept] : [])]);
  disposeReplaced(now.state, result.state);
  now.state = result.state;
  if (now.moments !== undefined && losses !== undefined && Number.isFinite(loss)) {
    now.moments = updateLossSecondMoment(now.moments, { t: Int32Array.from(t), losses });
  }
  return { loss, norm };
}

/**
 * Trains a run to its last step, from its newest checkpoint where it has one. An abort saves a checkpoint and throws
 * InterruptedError; a loss that is not finite stops the run with the last good checkpoint untouched.
 *
 * @returns the state after the last step; the caller disposes it
 */
export async function trainRun(job: TrainingJob, output: Progress, signal: AbortSignal): Promise<KindTrainState> {
  const { run, config, model } = job;
  const { steps, logEvery, checkpointEvery, sampleEvery } = config.training;
  const batchSize = Math.min(
    config.training.batchSize,
    (config.data.balance ? balanceClasses(job.data) : job.data).size,
  );
  if (batchSize < config.training.batchSize) {
    const asked = config.training.batchSize;
    output.warn(`training.batchSize: ${asked} is more than there are images; a step takes all ${batchSize}`);
  }
  const diffusionProcess = createDiffusionProcess(config);
  const rates = learningRates(config);
  const now = await begin(job);
  const first = now.state.step;
  if (first > 0) output.info(`Continuing ${run} from step ${first}`);
  const bar = output.startBar('Training', steps, 'steps');
  let windowStarted = performance.now();
  let note = '';
  try {
    while (now.state.step < steps) {
      await setImmediate(); // Some engines train in microtasks alone: without a turn, Ctrl-C is never heard.
      const rate = rates(now.state.step);
      const { loss, norm } = await trainOnce(job, now, { process: diffusionProcess, rate });
      const { step } = now.state;
      if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
        const good = (await checkpointSteps(run)).at(-1);
        const rest = good === undefined ? 'there is no checkpoint yet' : `the last good checkpoint is step ${good}`;
        throw new Error(
          `training: the loss is ${loss} (gradient norm ${norm}) at step ${step}; ${rest}; try a smaller training.learningRate`,
        );
      }
      now.window = { loss: now.window.loss + loss, norm: now.window.norm + norm, steps: now.window.steps + 1 };
      if (step % logEvery === 0 || step === steps) {
        const seconds = (performance.now() - windowStarted) / 1000;
        windowStarted = performance.now();
        const stepsPerSecond = now.window.steps / seconds;
        now.log.append({
          step,
          loss: now.window.loss / now.window.steps,
          gradientNorm: now.window.norm / now.window.steps,
          learningRate: rate,
          stepsPerSecond,
          rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
          tensors: tf.memory().numTensors,
        });
        const images = stepsPerSecond * batchSize;
        note = `loss ${(now.window.loss / now.window.steps).toFixed(4)}, ${images.toFixed(0)} images/s`;
        now.window = { loss: 0, norm: 0, steps: 0 };
      }
      bar.update(step, note);
      const ending = step === steps || signal.aborted;
      if (step % checkpointEvery === 0 || ending) await writeCheckpoint(job, now);
      if (signal.aborted) throw interrupted(signal, step);
      if (job.onSample !== undefined && sampleEvery > 0 && step % sampleEvery === 0 && step < steps) {
        try {
          await job.onSample(step, { config: model, params: now.state.ema });
        } catch (error) {
          if (!signal.aborted) throw error;
          await writeCheckpoint(job, now);
          throw interrupted(signal, step);
        }
        windowStarted = performance.now();
      }
    }
    return now.state;
  } catch (error) {
    disposeKindTraining(now.state);
    throw error;
  } finally {
    bar.stop();
    now.batches.close();
    now.log.close();
  }
}
