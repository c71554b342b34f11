/** What a sample is guided against: nothing, the model's own branch of the null label, or the model without adapters. */
export type GuidanceMode = 'none' | 'null-label' | 'class-agnostic';

/** The modes, in the order that tables show them. */
export const guidanceModes: readonly GuidanceMode[] = ['none', 'null-label', 'class-agnostic'];

/** How the samples of one moment of a transfer score. */
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
  /** Loss on held-out pictures with fixed noise and timesteps; the same in all guidance modes. */
  validationLoss?: number;
  /** How many samples. */
  samples: number;
}

/** Which table a cell belongs to: equal trainable parameters, equal inference MACs, an ablation, a deployment budget. */
export type CellTable = 'parameters' | 'macs' | 'ablation' | 'budget';

/** result.json of a cell: one method, seed, task, number of pictures a class, budget of steps. */
export interface CellResult {
  /** Key, the folder's name. */
  cell: string;
  /** Name of the task in the plan. */
  task: string;
  dataset: string;
  method: string;
  seed: number;
  /** Training pictures of each novel class; 0 means all. */
  imagesPerClass: number;
  /** Optimiser steps of the transfer. */
  steps: number;
  table: CellTable;
  /** Of an ablation, which question it answers: 'gate', 'ranks', 'init', ... */
  group?: string;
  learningRate: number;
  /** Rank, or whatever the size of the method is counted in. */
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
  /** Median of the training steps, in milliseconds. */
  stepMs: number;
  /** Largest resident set of the process up to the end of the training. */
  peakRssMiB: number;
  trainSeconds: number;
  losses: { step: number; train: number; validation?: number }[];
  /** PNG grid, relative to the cell's folder; a row a class. */
  samples: string;
}

/** error.json of a cell that failed. */
export interface CellError {
  cell: string;
  task: string;
  method: string;
  seed: number;
  message: string;
}
