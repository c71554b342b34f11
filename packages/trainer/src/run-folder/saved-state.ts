import type { CheckpointContent, LoadedCheckpoint } from '@learngene/pipeline/node';
import type { LearnerState } from '../contracts/learner';
import type { LossSums } from '../objective/loss-sums';

/** Sums since the last line of the log. */
export interface LogWindow {
  /** Sum of the losses. */
  loss: number;
  /** Sum of the gradient norms. */
  norm: number;
  /** Steps summed. */
  steps: number;
  /** Losses by timestep quarter and by class, where the training tells them. Checkpoints of older versions lack them. */
  parts?: LossSums;
}

/** The whole state of a training. */
export interface SavedState {
  /** The learner's state. */
  learner: LearnerState;
  /** The batch maker's state. */
  batches: unknown;
  /** Sums since the last line of the log. */
  window: LogWindow;
  /** Bytes of the log that belong to the steps done. */
  metricsBytes: number;
}

/** A checkpoint of a training. */
export function toCheckpoint({ learner, batches, window, metricsBytes }: SavedState): CheckpointContent {
  return { trees: learner.trees, state: { clocks: learner.clocks, batches, window, metricsBytes } };
}

/** The fields of format 1 under their names of today: `pieceSteps`, and the batch maker's state in three parts. */
function withCurrentNames(state: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { pieceSteps, batches, generator, moments, ...rest } = state;
  return {
    ...rest,
    clocks: pieceSteps,
    batches: {
      images: batches,
      ...(generator !== undefined && { generator }),
      ...(moments !== undefined && { moments }),
    },
  };
}

/**
 * What {@link toCheckpoint} made a checkpoint of.
 *
 * @param step The step of the checkpoint.
 */
export function fromCheckpoint({ trees, state, format }: LoadedCheckpoint, step: number): SavedState {
  const { clocks, batches, window, metricsBytes } = format === 1 ? withCurrentNames(state) : state;
  return {
    learner: { step, trees, clocks },
    batches,
    window: (window ?? { loss: 0, norm: 0, steps: 0 }) as LogWindow,
    metricsBytes: metricsBytes as number,
  };
}
