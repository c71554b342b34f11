import type { Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import type { TransferBatch } from './batch';
import type { Spectra } from './spectra';

/**
 * One of a model's networks: that of the class; the model's own branch of the null label, adapters included; the model
 * without its adapters, which knows no class.
 */
export type Branch = 'class' | 'null-label' | 'class-agnostic';

/** Settings of one optimiser step, the same for every method. */
export interface StepOptions {
  learningRate: number;
  emaDecay: number;
  clipNorm: number;
}

/** What a network sees. */
export interface NetworkInputs {
  x: Tensor4D;
  t: Tensor1D;
  labels: Int32Array;
}

/** A method in training: whatever it is made of, it is trained, sampled and counted through this. */
export interface Learner {
  /** One step of AdamW without weight decay. */
  step(batch: TransferBatch, options: StepOptions): Promise<{ loss: number; norm: number }>;
  /** The prediction of a branch with the averaged weights; the caller owns it. */
  predict(inputs: NetworkInputs, branch: Branch): Tensor4D;
  /** Whether it has a class-agnostic branch. */
  readonly agnostic: boolean;
  /** What it costs. */
  readonly counts: Counts;
  /** Singular values of what is shared and of what is a class's own, of models that are made so. */
  spectra?(): Promise<Spectra>;
  /** Frees all tensors. */
  dispose(): void;
}

/** What a model costs, from shapes alone. */
export interface Counts {
  /** Parameters that are trained. */
  trainable: number;
  /** Multiply-accumulates of one forward pass of one sample; adapters merged where that is cheaper. */
  macs: number;
  /** Bytes that a device fetches to add one novel class. */
  bytesPerClass: number;
  /** All parameters that are held. */
  parameters: number;
}
