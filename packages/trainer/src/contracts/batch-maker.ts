import type { StepResult } from './learner';

/** Makes what a learner trains on, one batch a step. */
export interface BatchMaker<B> {
  /** Samples of a batch. */
  readonly batchSize: number;
  /**
   * Makes the batch of a step, counted from 0. The caller releases it.
   */
  next(step: number): Promise<B>;
  /** Frees a batch. */
  release(batch: B): void;
  /** Takes what the step on a batch measured, for a maker that samples by the losses. */
  observe?(batch: B, result: StepResult): void;
  /** JSON from which a maker with the same data and settings goes on to the same batches. */
  state(): unknown;
  /** Stops reading ahead. */
  close(): void;
}
