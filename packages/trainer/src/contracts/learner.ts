import type { ParamTree } from '@learngene/nn';

/** What the schedule decides for one optimiser step. */
export interface StepOptions {
  /** Learning rate of AdamW. */
  readonly learningRate: number;
  /** Decay of the moving averages of the weights, in [0, 1). */
  readonly emaDecay: number;
  /** Largest global norm of the gradient; a larger one is scaled down to it. */
  readonly clipNorm: number;
}

/** What one optimiser step measured. */
export interface StepResult {
  /** The training loss before the step. */
  readonly loss: number;
  /** The global norm of the gradient before clipping. */
  readonly gradientNorm: number;
  /** The loss of every sample, [N], where the batch maker wants it back. */
  readonly sampleLosses?: Float32Array;
}

/** Everything that a learner needs to go on to the bits that it would have had. */
export interface LearnerState {
  /** Optimiser steps done. */
  readonly step: number;
  /** Trees of tensors by name: `params`, `ema` (the averaged weights), `optimizer`. */
  readonly trees: Readonly<Record<string, ParamTree>>;
  /** Steps of the parameter groups that do not count every step; JSON that only the learner reads. */
  readonly clocks?: unknown;
}

/** What a model costs, computed from shapes alone. */
export interface LearnerCounts {
  /** Parameters that are trained. */
  readonly trainable: number;
  /** All parameters that are held. */
  readonly parameters: number;
}

/**
 * A model in training. The loop knows nothing else of it, so that an autoencoder, a classifier and a diffusion model train
 * alike. A learner owns its tensors.
 */
export interface Learner<B> {
  /**
   * One optimiser step.
   *
   * @param batch Disposed by the loop, never by the learner.
   */
  step(batch: B, options: StepOptions): Promise<StepResult>;
  /** The loss of every sample of a batch with the averaged weights, [N]; nothing is trained. */
  evaluate(batch: B): Promise<Float32Array>;
  /** The present state. Its tensors stay the learner's, and the next step may write over them. */
  state(): LearnerState;
  /**
   * Puts a state in the place of the present one, bit for bit. The trees belong to the learner afterwards.
   *
   * @throws Error where a tree is missing or does not fit the model; the trees then stay the caller's
   */
  restore(state: LearnerState): void;
  /** What the model costs. */
  readonly counts: LearnerCounts;
  /** Disposes all tensors. */
  dispose(): void;
}
