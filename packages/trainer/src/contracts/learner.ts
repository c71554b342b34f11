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
  /** The loss of every sample, [N], without weights; absent where a learner does not tell it. */
  readonly sampleLosses?: Float32Array;
}

/** The whole state of a learner. A restored learner computes the same bits as one that was never interrupted. */
export interface LearnerState {
  /** Optimiser steps done. */
  readonly step: number;
  /** Trees of tensors by name: `params`, `ema` (the averaged weights), `optimizer`. */
  readonly trees: Readonly<Record<string, ParamTree>>;
  /** Step counts of the parameter groups that are not in every step, as JSON that only the learner reads. */
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
 * A model in training. This is all that the loop knows of it, so an autoencoder, a classifier and a diffusion model
 * train in the same way. A learner owns its tensors.
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
  /** The current state. The learner keeps its tensors, and the next step may overwrite them. */
  state(): LearnerState;
  /**
   * Replaces the current state, bit for bit. Then the learner owns the trees.
   *
   * @throws Error where a tree is missing or does not fit the model; the caller then keeps the trees
   */
  restore(state: LearnerState): void;
  /** What the model costs. */
  readonly counts: LearnerCounts;
  /** Disposes all tensors. */
  dispose(): void;
}
