import type { PrecisionMarks } from '@learngene/trainer/node';

/** What a sample is guided against: nothing, the model's own branch of the null label, or the model without its adapters. */
export type GuidanceMode = 'none' | 'null-label' | 'class-agnostic';

/** The modes, in the order that tables show them. */
export const GUIDANCE_MODES: readonly GuidanceMode[] = ['none', 'null-label', 'class-agnostic'];

/** The scores of the samples drawn at one step of a transfer. */
export interface Evaluation {
  /** Optimiser steps done. */
  step: number;
  /** How the samples were guided. */
  guidance: GuidanceMode;
  /** Guidance scale; 1 where there is none. */
  scale: number;
  /** Fréchet distance of features; lower is better. */
  fid: number;
  /** Fréchet distance of spatial features; lower is better. */
  sfid: number;
  /** Inception score; higher is better. */
  inceptionScore: number;
  /** Share of the samples within the held-out images, in [0, 1]. */
  precision: number;
  /** Share of the held-out images within the samples, in [0, 1]. */
  recall: number;
  /**
   * Precision and recall of random pixels and of training images in the place of the samples, by which those of the samples are
   * read. Results of older versions have none.
   */
  precisionMarks?: PrecisionMarks;
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
  /** Name of the dataset in the plan. */
  dataset: string;
  /** The autoencoder in whose latents its models work; absent where they work in pixels. */
  autoencoder?: {
    /** Its name. */
    name: string;
    /** SHA-256 of its weights and configuration. */
    hash: string;
  };
  /** Name of the method in the plan. */
  method: string;
  /** Seed of the trial and of its base model. */
  seed: number;
  /** Training images of each novel class; 0 means all. */
  imagesPerClass: number;
  /** Optimiser steps of the transfer. */
  steps: number;
  /** The table that the trial belongs to. */
  table: TrialTable;
  /** Of an ablation the question that it answers: 'gate', 'ranks', 'init', ...; of a budget its size. */
  group?: string;
  /** The learning rate of the transfer; absent for a budget, where nothing is trained. */
  learningRate?: number;
  /** The rank, block size or other number that sets the size of the method. */
  rank?: number;
  /** Images of a step, where there are fewer than the plan's `transfer.batchSize`; absent where a step has as many. */
  batchSize?: number;
  /** Parameters that are trained, label rows included. */
  trainable: number;
  /** Multiply-accumulates of one forward pass of one sample, adapters not merged. */
  macs: number;
  /** Bytes that a device fetches to add one novel class, the base being there. */
  bytesPerClass: number;
  /** Parameters of the whole model. */
  parameters: number;
  /** Guidance chosen on the tuning classes. */
  guidance: {
    /** The mode. */
    chosen: GuidanceMode;
    /** Its scale; 1 where there is none. */
    scale: number;
  };
  /** At every checkpoint step of the curve with the chosen guidance; all modes at the final step. */
  evaluations: Evaluation[];
  /** Median of the training steps, in milliseconds; absent for a budget. */
  stepMs?: number;
  /** Largest resident set of the process up to the end of the training. */
  peakRssMiB: number;
  /** Seconds of training, scoring left out; absent for a budget. */
  trainSeconds?: number;
  /** Losses in the course of the training. */
  losses: {
    /** Optimiser steps done. */
    step: number;
    /** Mean training loss since the entry before. */
    train: number;
    /** Loss on held-out images, where it was measured. */
    validation?: number;
  }[];
  /** PNG grid of samples, relative to the trial's folder; each row is a class. */
  samples: string;
}

/** error.json of a trial that failed. */
export interface TrialError {
  /** The trial's key. */
  trial: string;
  /** Name of the task in the plan. */
  task: string;
  /** Name of the method in the plan. */
  method: string;
  /** Seed of the trial. */
  seed: number;
  /** What went wrong. */
  message: string;
}
