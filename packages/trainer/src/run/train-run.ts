import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { disposeParams } from '@learngene/nn';
import type { Config, Progress } from '@learngene/pipeline';
import { checkpointSteps, loadNewestCheckpoint } from '@learngene/pipeline/node';
import * as tf from '@tensorflow/tfjs-core';
import { checkGiven } from '../check-given';
import type { BatchMaker } from '../contracts/batch-maker';
import type { Learner } from '../contracts/learner';
import { interruptedBy, NonFiniteLossError } from '../errors';
import { pruneCheckpoints } from '../run-folder/create-run';
import { type MetricsLine, openMetricsLog } from '../run-folder/metrics-log';
import { lockRun } from '../run-folder/run-lock';
import { saveCheckpoint } from '../run-folder/save-checkpoint';
import { fromCheckpoint, type LogWindow, type SavedState, toCheckpoint } from '../run-folder/saved-state';
import type { TrainingSchedule } from '../train/schedule';
import { type StepEvent, type TrainOptions, train } from '../train/train';
import { type LossParts, watchLosses } from './loss-parts';
import { type LaterSteps, tellDuration } from './tell-duration';

/** A training in a run folder. */
export interface TrainRunOptions<B> extends Pick<TrainOptions<B>, 'validation' | 'communicator' | 'onStep'> {
  /** The run folder; it exists. */
  run: string;
  /** What is trained; it stays the caller's. */
  learner: Learner<B>;
  /** Makes the batches, from the state that a checkpoint kept where there is one. */
  batches(state?: unknown): BatchMaker<B>;
  /** Steps and rates. */
  schedule: TrainingSchedule;
  /** How often the log, checkpoints and samples are written, in steps. */
  intervals: Pick<Config['training'], 'logEvery' | 'checkpointEvery' | 'keepCheckpoints' | 'sampleEvery'>;
  /** What the progress line calls the figure of `validation` (default 'validation loss'). */
  validationName?: string;
  /** Tells the losses by part too, for learners that tell the losses of samples (default: not told). */
  lossParts?: LossParts<B>;
  /** Scores of the model, measured every `every` steps and after the last (default: none). */
  scores?: {
    /** Steps between two measurements. */
    readonly every: number;
    /** Measures the scores; undefined where there are none. It may throw after an abort. */
    measure(step: number): Promise<Pick<MetricsLine, 'fid' | 'noiseFid' | 'trainFid'> | undefined>;
  };
  /** Steps that follow this training, for what is told of how long it takes (default: none). */
  later?: LaterSteps;
  /** Called every `sampleEvery` steps, except after the last step. */
  onSample?(step: number): Promise<void>;
  /** Receives the progress of the training. */
  progress: Progress;
  /** An abort saves a checkpoint and ends the run. */
  signal: AbortSignal;
}

const EMPTY: LogWindow = { loss: 0, norm: 0, steps: 0 };

/** Restores the learner from the newest checkpoint, if there is one. */
async function restore<B>(run: string, learner: Learner<B>): Promise<SavedState | undefined> {
  const loaded = await loadNewestCheckpoint(run);
  if (loaded === undefined) return undefined;
  const saved = fromCheckpoint(loaded, loaded.step);
  try {
    learner.restore(saved.learner);
  } catch (error) {
    for (const tree of Object.values(loaded.trees)) disposeParams(tree);
    throw error;
  }
  return saved;
}

function interrupted(signal: AbortSignal, step: number): Error {
  return interruptedBy(signal, `interrupted after step ${step}; a checkpoint was written`, 'training-interrupted');
}

/** The error of a loss that is no number, with what can be done. */
async function withAdvice(error: unknown, run: string): Promise<unknown> {
  if (!(error instanceof NonFiniteLossError)) return error;
  const good = (await checkpointSteps(run)).at(-1);
  const rest =
    good === undefined
      ? 'there is no checkpoint yet, so the run may begin again in its folder'
      : `the last good checkpoint is step ${good}`;
  return new NonFiniteLossError(error, `; ${rest}; try a smaller training.learningRate`);
}

/**
 * Trains in a run folder to the last step, from its newest checkpoint if there is one. The result has the same bits as
 * that of a run that was never interrupted.
 *
 * @returns the steps done
 * @throws InterruptedError after an abort, with a checkpoint written
 * @throws NonFiniteLossError with the last good checkpoint untouched
 * @throws ConfigError where another process of this machine works in the run
 */
export async function trainRun<B>(options: TrainRunOptions<B>): Promise<number> {
  const needed = ['run', 'learner', 'batches', 'schedule', 'intervals', 'progress', 'signal'];
  checkGiven('trainRun', 'options', options, needed);
  const release = await lockRun(options.run);
  try {
    for (const name of ['checkpoints', 'samples']) await mkdir(join(options.run, name), { recursive: true });
    return await trainLocked(options);
  } finally {
    await release();
  }
}

async function trainLocked<B>(options: TrainRunOptions<B>): Promise<number> {
  const { run, learner, schedule, intervals, onSample, progress, signal, communicator, scores } = options;
  const { validationName = 'validation loss' } = options;
  const { steps } = schedule;
  const { logEvery, checkpointEvery, keepCheckpoints, sampleEvery } = intervals;
  const saved = await restore(run, learner);
  const first = saved?.learner.step ?? 0;
  const made = options.batches(saved?.batches);
  const lossWatch = { parts: options.lossParts, sums: saved?.window.parts };
  const { data, validation, ...losses } = watchLosses({ data: made, validation: options.validation }, lossWatch);
  const log = openMetricsLog(run, saved?.metricsBytes ?? 0);
  let window = saved?.window ?? EMPTY;
  if (first > 0) progress.info(`Continuing ${run} from step ${first}`);
  const bar = progress.startBar('Training', steps, 'steps');
  let windowStarted = performance.now();
  let validationStarted = 0;
  const tellSpeed = tellDuration({ steps: steps - first, later: options.later, progress });
  const timedValidation = validation && {
    ...validation,
    batches() {
      validationStarted = performance.now();
      return validation.batches();
    },
  };
  let note = '';
  let validated = '';

  const checkpoint = async (step: number) => {
    log.flush();
    const parts = losses.sums();
    const now = {
      learner: learner.state(),
      batches: data.state(),
      window: { ...window, ...(parts && { parts }) },
      metricsBytes: log.bytes(),
    };
    await saveCheckpoint(run, step, toCheckpoint(now));
    await pruneCheckpoints(run, keepCheckpoints);
  };
  const writeLine = ({ step, learningRate, validationLoss }: StepEvent, scored: Partial<MetricsLine> = {}) => {
    const seconds = (performance.now() - windowStarted) / 1000;
    windowStarted = performance.now();
    const stepsPerSecond = window.steps / seconds;
    const loss = window.loss / window.steps;
    log.append({
      step,
      loss,
      gradientNorm: window.norm / window.steps,
      learningRate,
      stepsPerSecond,
      imagesPerSecond: stepsPerSecond * data.batchSize,
      time: Date.now() / 1000,
      rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
      tensors: tf.memory().numTensors,
      ...(validationLoss !== undefined && { validationLoss }),
      ...losses.take(validationLoss !== undefined),
      ...scored,
    });
    if (validationLoss !== undefined) validated = `, ${validationName} ${validationLoss.toFixed(4)}`;
    note = `loss ${loss.toFixed(4)}${validated}, ${(stepsPerSecond * data.batchSize).toFixed(0)} images/s`;
    window = EMPTY;
  };
  const score = async (step: number) => {
    const began = performance.now();
    const measured = await scores?.measure(step).catch((error: unknown) => {
      // After an abort the line has no scores; the checkpoint of the step follows it.
      if (!signal.aborted) throw error;
    });
    windowStarted += performance.now() - began;
    return measured ?? undefined;
  };
  const sample = async (step: number) => {
    try {
      await onSample?.(step);
    } catch (error) {
      if (!signal.aborted) throw error;
      await checkpoint(step);
      throw interrupted(signal, step);
    }
    windowStarted = performance.now();
  };
  const onStep = async (event: StepEvent) => {
    const { step, loss, gradientNorm } = event;
    // The log's steps a second are those of the training alone.
    if (event.validationLoss !== undefined) windowStarted += performance.now() - validationStarted;
    window = { loss: window.loss + loss, norm: window.norm + gradientNorm, steps: window.steps + 1 };
    const scoresDue = scores !== undefined && (step % scores.every === 0 || step === steps);
    const due = step % logEvery === 0 || step === steps || event.validationLoss !== undefined || scoresDue;
    tellSpeed();
    const scored = scoresDue ? await score(step) : undefined;
    if (due) writeLine(event, scored);
    bar.update(step, note);
    await options.onStep?.(event);
    if (step % checkpointEvery === 0 || step === steps || signal.aborted) await checkpoint(step);
    if (signal.aborted) throw interrupted(signal, step);
    if (sampleEvery > 0 && step % sampleEvery === 0 && step < steps) await sample(step);
  };
  try {
    await train(learner, { data, schedule, from: first, validation: timedValidation, communicator, onStep, signal });
    return Math.max(first, steps);
  } catch (error) {
    throw await withAdvice(error, run);
  } finally {
    bar.stop();
    data.close();
    log.close();
  }
}
