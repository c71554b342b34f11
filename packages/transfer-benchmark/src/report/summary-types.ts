import type { GuidanceMode, TrialError, TrialTable } from '../plan/result';
import type { Interval, Spread } from '../statistics';
import type { Comparison } from './compare';
import type { Condition } from './conditions';
import type { MetricKey } from './metrics';

/** What a method costs: medians over its trials. */
export interface Cost {
  trainable: number;
  parameters: number;
  /** Multiply-accumulates of one forward pass of one sample. */
  macs: number;
  /** Bytes to ship one class. */
  bytesPerClass: number;
  stepMs: number;
  peakRssMiB: number;
  trainSeconds: number;
}

/** How a method is guided and what the other modes would have given. */
export interface GuidanceRow {
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
  method: string;
  /** Trials that are done. */
  trials: number;
  seeds: number[];
  /** Samples that a trial's figures are of. */
  samples: number[];
  learningRates: number[];
  ranks: number[];
  /** Over seeds; of several conditions, each seed's mean over them (seeds that have all). */
  metrics: Record<MetricKey, Spread>;
  /** Against KIND, for every metric that has a pair. Empty for KIND itself. */
  against: Partial<Record<MetricKey, Comparison>>;
  guidance: GuidanceRow[];
  cost: Cost;
}

/** A table: methods under one condition, or over several. */
export interface TableSummary {
  table: TrialTable;
  /** Of ablations, the question. */
  group?: string;
  title: string;
  conditions: readonly Condition[];
  /** Best FID first. */
  rows: MethodRow[];
  /** Trials that other methods have and these do not. */
  missing: { method: string; task: string; seed: number }[];
}

/** The geometric mean of some ratios, in percent above 1. */
export interface MeanRatio extends Pick<Comparison, 'verdict' | 'leaning'> {
  /** How many ratios. */
  count: number;
  percent: number;
  /** Student's interval, 95 %; null of one. */
  interval: Interval | null;
}

/** A method's metric against KIND's over tasks. */
export interface TaskComparison {
  /** Geometric mean of each task's ratios in percent above 1, in the order of the tasks. */
  tasks: { percent: number; pairs: number }[];
  /** Each task counts once, however many seeds it has. */
  overTasks: MeanRatio;
  /** Each base model counts once, however many tasks stand on it. */
  overBases: MeanRatio;
}

/** A method against KIND over tasks. */
export interface TaskComparisonRow {
  method: string;
  fid: TaskComparison;
  sfid: TaskComparison;
}

/** The methods that every task of the main table has. */
export interface TaskComparisons {
  tasks: readonly Condition[];
  rows: TaskComparisonRow[];
}

/** A line of a curve over steps. */
export interface CurvePoint {
  step: number;
  value: Spread;
}

/** How a method gets there. */
export interface Curve {
  method: string;
  fid: CurvePoint[];
  validation: CurvePoint[];
  /** The first checkpoint at which KIND's mean FID is as good as this method's last one; null if at none. */
  kindIsAsGoodAt: number | null;
  /** The first checkpoint at which this method's mean FID is as good as KIND's last one; null if at none. */
  asGoodAsKindAt: number | null;
}

/** The curves under one condition, or the mean ones over several. */
export interface CurveSummary {
  title: string;
  conditions: readonly Condition[];
  curves: Curve[];
}

/** A model of one size. */
export interface BudgetPoint {
  parameters: number;
  macs: number;
  fid: Spread;
  classAccuracy: Spread;
  validationLoss: Spread;
}

/** Models of several sizes under one condition. */
export interface BudgetSummary {
  condition: Condition;
  lines: { method: string; points: BudgetPoint[] }[];
}

/** How many methods KIND is ahead of, level with and behind, and where it stands by the mean. */
export interface Standing {
  metric: MetricKey;
  /** KIND's place by the mean, 1 is best; null without KIND. */
  place: number | null;
  of: number;
  /** Methods that are worse than, equal to and better than KIND. */
  worse: string[];
  equal: string[];
  better: string[];
  unknown: string[];
}

/** summary.json: the results of a benchmark, summed up. */
export interface TransferSummary {
  format: 2;
  /** Trials that are done. */
  done: number;
  /** Trials of the plan that are neither done nor failed; null where there is no plan. */
  open: number | null;
  failed: TrialError[];
  unreadable: { file: string; reason: string }[];
  /** Where KIND stands in the first table of equal trainable parameters. */
  standings: Standing[];
  /** Tables of equal trainable parameters. */
  isoParameters: TableSummary[];
  /** The methods that all tasks have, each task counting once; absent with fewer than three tasks. */
  taskComparison?: TaskComparisons;
  /** Tables of equal multiply-accumulates at inference. */
  isoMacs: TableSummary[];
  ablations: TableSummary[];
  curves: CurveSummary[];
  budgets: BudgetSummary[];
}
