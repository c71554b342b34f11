import type { GuidanceMode, TrialError, TrialTable } from '../plan/result';
import type { Interval, Spread } from '../statistics';
import type { Comparison } from './compare';
import type { Condition } from './conditions';
import type { MetricKey } from './metrics';
import type { PrecisionMarkSummary } from './precision-marks';

/** What a method costs: medians over its trials. */
export interface Cost {
  /** Parameters that are trained, label rows included. */
  trainable: number;
  /** Parameters of the whole model. */
  parameters: number;
  /** Multiply-accumulates of one forward pass of one sample. */
  macs: number;
  /** Bytes to ship one class. */
  bytesPerClass: number;
  /** Time of a training step, in milliseconds. */
  stepMs: number;
  /** Largest resident set of the process, in MiB. */
  peakRssMiB: number;
  /** Seconds of training, scoring left out. */
  trainSeconds: number;
}

/** How a method is guided and what the other modes would have given. */
export interface GuidanceRow {
  /** The mode. */
  mode: GuidanceMode;
  /** FID at the end of the transfer. */
  fid: Spread;
  /** Trials for which the tuning classes chose this mode. */
  chosen: number;
  /** The scales that were used. */
  scales: number[];
}

/** A method in a table. */
export interface MethodRow {
  /** Name of the method in the plan. */
  method: string;
  /** Trials that are done. */
  trials: number;
  /** Seeds of these trials. */
  seeds: number[];
  /** Samples that a trial's figures are of. */
  samples: number[];
  /** Learning rates that were used. */
  learningRates: number[];
  /** Ranks, block sizes or other numbers that set the size of the method. */
  ranks: number[];
  /** Over seeds; of several conditions, each seed's mean over them (seeds that have all). */
  metrics: Record<MetricKey, Spread>;
  /** Against KIND, for every metric that has a pair. Empty for KIND itself. */
  against: Partial<Record<MetricKey, Comparison>>;
  /** Guidance modes that were scored. */
  guidance: GuidanceRow[];
  /** What the method costs. */
  cost: Cost;
}

/** A table: methods under one condition, or over several. */
export interface TableSummary {
  /** Which table it is. */
  table: TrialTable;
  /** Of ablations, the question. */
  group?: string;
  /** Its title in the report. */
  title: string;
  /** Task, images a class and steps of its trials. */
  conditions: readonly Condition[];
  /** Best FID first. */
  rows: MethodRow[];
  /** Precision and recall by which those of the rows are read. */
  precisionMarks: PrecisionMarkSummary;
  /** Trials that other methods have and these do not. */
  missing: {
    /** Name of the method in the plan. */
    method: string;
    /** Name of the task in the plan. */
    task: string;
    /** Seed of the trial. */
    seed: number;
  }[];
}

/** The geometric mean of some ratios, in percent above 1. */
export interface MeanRatio extends Pick<Comparison, 'verdict' | 'leaning'> {
  /** How many ratios. */
  count: number;
  /** The mean in percent above 1; below 0 KIND is worse. */
  percent: number;
  /** Student's interval, 95 %; null of one. */
  interval: Interval | null;
}

/** A method's metric against KIND's over tasks. */
export interface TaskComparison {
  /** The geometric mean of the ratios of each task, in the order of the tasks. */
  tasks: {
    /** The mean ratio in percent above 1. */
    percent: number;
    /** Pairs of trials that it is the mean of. */
    pairs: number;
  }[];
  /** Each task counts once, however many seeds it has. */
  overTasks: MeanRatio;
  /** Each base model counts once, however many tasks stand on it. */
  overBases: MeanRatio;
}

/** A method against KIND over tasks. */
export interface TaskComparisonRow {
  /** Name of the method in the plan. */
  method: string;
  /** By FID. */
  fid: TaskComparison;
  /** By sFID. */
  sfid: TaskComparison;
}

/** The methods that every task of the main table has. */
export interface TaskComparisons {
  /** The tasks, with their images a class and steps. */
  tasks: readonly Condition[];
  /** A row for each method. */
  rows: TaskComparisonRow[];
}

/** A line of a curve over steps. */
export interface CurvePoint {
  /** Optimiser steps done. */
  step: number;
  /** The value there, over seeds. */
  value: Spread;
}

/** How a method gets there. */
export interface Curve {
  /** Name of the method in the plan. */
  method: string;
  /** FID over steps. */
  fid: CurvePoint[];
  /** Loss on held-out images over steps. */
  validation: CurvePoint[];
  /** The first checkpoint at which KIND's mean FID is as good as this method's last one; null if at none. */
  kindIsAsGoodAt: number | null;
  /** The first checkpoint at which this method's mean FID is as good as KIND's last one; null if at none. */
  asGoodAsKindAt: number | null;
}

/** The curves under one condition, or the mean ones over several. */
export interface CurveSummary {
  /** Title in the report. */
  title: string;
  /** Task, images a class and steps of its trials. */
  conditions: readonly Condition[];
  /** A curve for each method. */
  curves: Curve[];
}

/** A model of one size. */
export interface BudgetPoint {
  /** Parameters of the model. */
  parameters: number;
  /** Multiply-accumulates of one forward pass of one sample. */
  macs: number;
  /** FID, over seeds. */
  fid: Spread;
  /** Share of the samples that an independent classifier takes for their class, over seeds. */
  classAccuracy: Spread;
  /** Loss on held-out images, over seeds. */
  validationLoss: Spread;
}

/** Models of several sizes under one condition. */
export interface BudgetSummary {
  /** The task of its models. */
  condition: Condition;
  /** A line for each budget method. */
  lines: {
    /** Name of the budget method. */
    method: string;
    /** Its models, by size. */
    points: BudgetPoint[];
  }[];
}

/** How many methods KIND is ahead of, level with and behind, and where it stands by the mean. */
export interface Standing {
  /** The metric that methods are compared by. */
  metric: MetricKey;
  /** KIND's place by the mean, 1 is best; null without KIND. */
  place: number | null;
  /** Number of methods. */
  of: number;
  /** Methods that are worse than KIND. */
  worse: string[];
  /** Methods that are equal to KIND within noise. */
  equal: string[];
  /** Methods that are better than KIND. */
  better: string[];
  /** Methods without a verdict. */
  unknown: string[];
}

/** summary.json: the results of a benchmark, summed up. */
export interface TransferSummary {
  /** Version of the format. */
  format: 2;
  /** Trials that are done. */
  done: number;
  /** Trials of the plan that are neither done nor failed; null where there is no plan. */
  open: number | null;
  /** Trials that failed. */
  failed: TrialError[];
  /** Files of results that could not be read. */
  unreadable: {
    /** Path in the folder of the benchmark. */
    file: string;
    /** What is wrong with it. */
    reason: string;
  }[];
  /** Where KIND stands in the first table of equal trainable parameters. */
  standings: Standing[];
  /** Tables of equal trainable parameters. */
  isoParameters: TableSummary[];
  /** The methods that all tasks have, each task counting once; absent with fewer than three tasks. */
  taskComparison?: TaskComparisons;
  /** Tables of equal multiply-accumulates at inference. */
  isoMacs: TableSummary[];
  /** Tables of ablations, one for each question. */
  ablations: TableSummary[];
  /** Curves over steps. */
  curves: CurveSummary[];
  /** Models within a budget. */
  budgets: BudgetSummary[];
}
