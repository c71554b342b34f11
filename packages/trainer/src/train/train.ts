import { type Communicator, singleProcess, warmupDecay } from '@learngene/nn';
import { checkGiven } from '../check-given';
import type { BatchMaker } from '../contracts/batch-maker';
import type { Learner, StepResult } from '../contracts/learner';
import { NonFiniteLossError } from '../errors';
import { type BatchSequence, meanLoss } from './evaluate';
import { nextTurn } from './next-turn';
import type { TrainingSchedule } from './schedule';

/** Event of {@link train} after a step. */
export interface StepEvent extends Pick<StepResult, 'loss' | 'gradientNorm'> {
  /** Steps done, from 1. */
  readonly step: number;
  /** Learning rate of the step. */
  readonly learningRate: number;
  /** Time of the step of the learner, without making the batch, in milliseconds. */
  readonly milliseconds: number;
  /** The mean loss on held-out data, after the steps at which it is measured. */
  readonly validationLoss?: number;
}

/** Options of {@link train}. */
export interface TrainOptions<B> {
  /** Makes the batches; the caller closes it. */
  data: BatchMaker<B>;
  /** Steps and rates. */
  schedule: TrainingSchedule;
  /** Steps done before (default 0): those of the state that the learner and the batch maker were restored from. */
  from?: number;
  /** Held-out data, whose mean loss is measured every `every` steps and after the last step (default: none). */
  validation?: {
    /** Steps between two measurements. */
    every: number;
    /** Starts the held-out batches anew. */
    batches: () => BatchSequence<B>;
    /** Receives the losses of the samples of each of them, [N]. */
    observe?: (batch: B, losses: Float32Array) => void;
  };
  /** Called after every step and awaited. It may save the state; what it throws ends the training. */
  onStep?: (event: StepEvent) => void | Promise<void>;
  /** An abort ends the training after the step that is running and its `onStep`. */
  signal?: AbortSignal;
  /** The processes that train together (default: this one alone). */
  communicator?: Communicator;
}

const OPTIONS = ['data', 'schedule', 'from', 'validation', 'onStep', 'signal', 'communicator'];

function check<B>(options: TrainOptions<B>): void {
  checkGiven('train', 'options', options, ['data', 'schedule']);
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) throw new Error(`train: expected only ${OPTIONS.join(', ')}, got '${unknown}'`);
  const { schedule, from = 0, validation, communicator = singleProcess } = options;
  if (communicator.size > 1) {
    throw new Error(
      `communicator: expected one process, got ${communicator.size}; training on several is not there yet`,
    );
  }
  if (!Number.isSafeInteger(schedule.steps) || schedule.steps < 1) {
    throw new Error(`schedule.steps: expected a whole number of at least 1, got ${schedule.steps}`);
  }
  if (!Number.isSafeInteger(from) || from < 0) {
    throw new Error(`from: expected a whole number of at least 0, got ${from}`);
  }
  if (validation && (!Number.isSafeInteger(validation.every) || validation.every < 1)) {
    throw new Error(`validation.every: expected a whole number of at least 1, got ${validation.every}`);
  }
}

/**
 * Trains a learner to the last step of a schedule. The loop knows neither model nor data: a step is a batch, the learner's
 * step on it and the call of `onStep`.
 *
 * The caller keeps the learner and the batch maker, also after an error. Their state is then that after the last step
 * that was done.
 *
 * @throws NonFiniteLossError where the loss, the norm of the gradient or the validation loss is NaN or infinite
 * @throws the signal's reason after an abort, unless the last step was done
 * @throws Error for an unknown option, and for a communicator of more than one process
 */
export async function train<B>(learner: Learner<B>, options: TrainOptions<B>): Promise<void> {
  checkGiven('train', 'learner', learner);
  check(options);
  const { data, schedule, from = 0, validation, onStep, signal } = options;
  const { steps, emaDecay, clipNorm } = schedule;
  if (from < steps) signal?.throwIfAborted();
  for (let done = from; done < steps; ) {
    await nextTurn();
    const learningRate = schedule.learningRate(done);
    const batch = await data.next(done);
    let result: StepResult;
    const started = performance.now();
    let milliseconds: number;
    try {
      result = await learner.step(batch, { learningRate, emaDecay: warmupDecay(emaDecay, done), clipNorm });
      milliseconds = performance.now() - started;
      done++;
      const { loss, gradientNorm } = result;
      if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
        throw new NonFiniteLossError({ step: done, loss, gradientNorm });
      }
      data.observe?.(batch, result);
    } finally {
      data.release(batch);
    }
    const due = validation !== undefined && (done % validation.every === 0 || done === steps);
    const validationLoss = due ? await meanLoss(learner, validation.batches(), validation.observe) : undefined;
    const { loss, gradientNorm } = result;
    if (validationLoss !== undefined && !Number.isFinite(validationLoss)) {
      throw new NonFiniteLossError({ step: done, loss, gradientNorm, validationLoss });
    }
    await onStep?.({
      step: done,
      loss,
      gradientNorm,
      learningRate,
      milliseconds,
      ...(validationLoss !== undefined && { validationLoss }),
    });
    if (done < steps) signal?.throwIfAborted();
  }
}
