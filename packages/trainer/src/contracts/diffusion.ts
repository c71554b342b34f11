import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Learner, LearnerCounts } from './learner';

/** A batch of a diffusion model, in the order of its classes. */
export interface DiffusionBatch {
  /** [N, H, W, C] in [-1, 1]. */
  readonly x0: Tensor4D;
  /** Standard normal noise, the shape of x0. */
  readonly noise: Tensor4D;
  /** [N] timesteps of a Gaussian process, or times in [0, 1] of a flow. */
  readonly t: Int32Array | Float32Array;
  /** [N] class ids. */
  readonly labels: Int32Array;
  /** [N] 1 where the label is dropped, else 0. */
  readonly dropped: Uint8Array;
  /**
   * [N] importance weights of the losses, where timesteps are sampled by their losses; then the step must return the
   * loss of every sample. Absent where every sample has weight 1.
   */
  readonly weights?: Float32Array;
}

/** Inputs of a network. */
export interface NetworkInputs {
  /** Noisy images, [N, H, W, C]. */
  readonly x: Tensor4D;
  /** Timesteps, [N]. */
  readonly t: Tensor1D;
  /** Class ids, [N]. */
  readonly labels: Int32Array;
}

/**
 * A branch of a model: conditional on the class; with the null label, adapters included; or class-agnostic, without
 * adapters or tailors.
 */
export type Branch = 'class' | 'null-label' | 'class-agnostic';

/** What a diffusion model costs, computed from shapes alone. */
export interface DiffusionCounts extends LearnerCounts {
  /** Multiply-accumulates of one forward pass of one sample; adapters are merged where that is cheaper. */
  readonly macs: number;
  /** Bytes that a device fetches to add one novel class. */
  readonly bytesPerClass: number;
}

/**
 * Singular values of the learngenes and of the tailors of every group, in descending order, averaged over the main
 * layers.
 */
export interface Spectra {
  /** Of the learngenes. */
  learngenes: number[];
  /** Of the tailors, by the name of the group. */
  tailors: Record<string, number[]>;
}

/** A diffusion model in training. */
export interface DiffusionLearner extends Learner<DiffusionBatch> {
  /** The prediction of a branch with the averaged weights, [N, H, W, C]; the caller owns it. */
  predict(inputs: NetworkInputs, branch: Branch): Tensor4D;
  /** Whether it has a class-agnostic branch. */
  readonly agnostic: boolean;
  /** What the model costs. */
  readonly counts: DiffusionCounts;
  /** Singular values of the factored layers, for models that have learngenes and tailors. */
  spectra?(): Promise<Spectra>;
}
