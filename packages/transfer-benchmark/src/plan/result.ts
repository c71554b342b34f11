/** What a sample is guided against: nothing, the model's own branch of the null label, or the model without its adapters. */
export type GuidanceMode = 'none' | 'null-label' | 'class-agnostic';

/** The modes, in the order that tables show them. */
export const GUIDANCE_MODES: readonly GuidanceMode[] = ['none', 'null-label', 'class-agnostic'];

/** The scores of the samples drawn at one step of a transfer. */
export interface Evaluation {
  /** Optimiser steps done. */
  step: number;
  guidance: GuidanceMode;
  /** Guidance scale; 1 where there is none. */
  scale: number;
  fid: number;
  sfid: number;
  inceptionScore: number;
  precision: number;
  recall: number;
  /** Share of the samples that an independent classifier takes for their class. */
  classAccuracy: number;
  /** Loss on held-out images with fixed noise and timesteps; the same in all guidance modes. */
  validationLoss?: number;
  /** Number of samples. */
  samples: number;
}

/** The tables: equal trainable parameters, equal multiply-accumulates at inference, ablations of KIND, deployment budgets. */
export const TRIAL_TABLES = ['iso-parameters', 'iso-macs', 'ablation', 'budget'] as const;

/** The table that a trial belongs to. */
export type TrialTable = (typeof TRIAL_TABLES)[number];

/** result.json of a trial: one method with one task, seed, number of images a class and number of steps. */
export interface TrialResult {
  /** The trial's key, which names its folder. */
  trial: string;
  /** Name of the task in the plan. */
  task: string;
  dataset: string;
  method: string;
  seed: number;
  /** Training images of each novel class; 0 means all. */
  imagesPerClass: number;
  /** Optimiser steps of the transfer. */
  steps: number;
  table: TrialTable;
  /** Of an ablation the question that it answers: 'gate', 'ranks', 'init', ...; of a budget its size. */
  group?: string;
  /** The learning rate of the transfer; absent for a budget, where nothing is trained. */
  learningRate?: number;
  /** The rank, block size or other number that sets the size of the method. */
  rank?: number;
  /** Parameters that are trained, label rows included. */
  trainable: number;
  /** Multiply-accumulates of one forward pass of one sample, adapters not merged. */
  macs: number;
  /** Bytes that a device fetches to add one novel class, the base being there. */
  bytesPerClass: number;
  /** Parameters of the whole model. */
  parameters: number;
  /** Chosen on the tuning classes. */
  guidance: { chosen: GuidanceMode; scale: number };
  /** At every checkpoint step of the curve with the chosen guidance; all modes at the final step. */
  evaluations: Evaluation[];
  /** Median of the training steps, in milliseconds; absent for a budget. */
  stepMs?: number;
  /** Largest resident set of the process up to the end of the training. */
  peakRssMiB: number;
  /** Seconds of training, scoring left out; absent for a budget. */
  trainSeconds?: number;
  /** Loss of training, the mean since the line before, and of held-out images where it was measured. */
  losses: { step: number; train: number; validation?: number }[];
  /** PNG grid of samples, relative to the trial's folder; each row is a class. */
  samples: string;
}

/** error.json of a trial that failed. */
export interface TrialError {
  /** The trial's key. */
  trial: string;
  task: string;
  method: string;
  seed: number;
  message: string;
}
