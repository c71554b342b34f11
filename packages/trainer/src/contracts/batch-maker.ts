import type { StepResult } from './learner';

/** Makes the batches that a learner trains on, one for each step. */
export interface BatchMaker<B> {
  /** Samples of a batch. */
  readonly batchSize: number;
  /**
   * Makes the batch of a step, counted from 0. The caller releases it.
   */
  next(step: number): Promise<B>;
  /** Frees a batch. */
  release(batch: B): void;
  /** Receives what the step measured on its batch. A maker that samples timesteps by their losses needs it. */
  observe?(batch: B, result: StepResult): void;
  /** State as JSON. From it a maker with the same data and settings continues with the same batches. */
  state(): unknown;
  /** Stops reading ahead. */
  close(): void;
}
