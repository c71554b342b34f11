import type { BaseSpec } from '../plan/base-spec';
import type {
  DatasetPlan,
  EvaluationPlan,
  ModelPlan,
  PretrainingPlan,
  TransferPlan,
  TuningPlan,
} from '../plan/benchmark-plan';
import type { MethodSpec } from '../plan/methods';
import type { AblationName, BudgetMethod, MethodName } from '../plan/names';
import type { TrialTable } from '../plan/result';

/** A dataset of a plan. */
export interface DatasetInput {
  /** Its name in the plan. */
  name: string;
  /** The file that it is packed into, relative to the benchmark's folder. */
  file: string;
  source: DatasetPlan;
}

/** A model and its pre-training. */
export interface BaseModel {
  spec: BaseSpec;
  dataset: DatasetInput;
  classes: readonly string[];
  seed: number;
  model: ModelPlan;
  pretraining: PretrainingPlan;
  /** Optimiser steps. */
  steps: number;
  /** Held-out images of each class on which its loss is measured. */
  validationPerClass: number;
  /** The dense base that it starts from; random weights without one. */
  start?: BaseInput;
}

/** A base model of a plan. */
export interface BaseInput extends BaseModel {
  /** The name of its folder in `bases`. */
  key: string;
}

/** Two classifiers of different seeds: one gives the features that are compared, the other one measures class accuracy. */
export type ClassifierRole = 'features' | 'accuracy';

/** The classifiers of a dataset, which score samples. */
export interface EvaluatorInput {
  dataset: DatasetInput;
  /** All classes that a task of the plan uses, sorted by name. The classifiers have them in the dataset's order. */
  classes: readonly string[];
  /** The names of the classifiers' files in `classifiers`. */
  keys: Readonly<Record<ClassifierRole, string>>;
}

/** The training of a method on some classes. */
export interface TransferInput {
  spec: MethodSpec;
  /** The base that the method starts from; of a method without a base, the model that it trains. */
  base: BaseInput;
  dataset: DatasetInput;
  /** The task's tuning classes or its novel ones. */
  classes: readonly string[];
  /** The number of novel classes for which sizes of methods are matched; the tuning classes use the sizes of the novel ones. */
  matchFor: number;
  /** Training images of each class; 0 means all. */
  imagesPerClass: number;
  steps: number;
  seed: number;
  transfer: TransferPlan;
}

/** What every job has. */
export interface JobNode {
  /** The name of its files. */
  key: string;
  /** Keys of the jobs that must be done before it. */
  needs: readonly string[];
  /** An estimate of the work: passes of one image through the network. */
  cost: number;
}

/** Packs a dataset into one file. */
export interface DataJob extends JobNode {
  kind: 'data';
  dataset: DatasetInput;
}

/** Trains a classifier. */
export interface ClassifierJob extends JobNode {
  kind: 'classifier';
  role: ClassifierRole;
  evaluator: EvaluatorInput;
  steps: number;
  batchSize: number;
}

/** Chooses the learning rate of a form of base, by the loss on held-out images of its own classes. */
export interface LearningRateJob extends JobNode {
  kind: 'learning-rate';
  base: BaseModel;
  learningRates: readonly number[];
}

/** Pre-trains a base. */
export interface BaseJob extends JobNode {
  kind: 'base';
  base: BaseInput;
  /** The rate itself, or the key of the job that chooses it. */
  learningRate: number | { chosenBy: string };
}

/** Chooses the learning rate and the guidance of a method on the tuning classes of a task. */
export interface TuningJob extends JobNode {
  kind: 'tuning';
  task: string;
  method: MethodName | AblationName;
  /** N_G + N_t of factored models in the iso-MACs table. */
  macsRank?: number;
  transfer: TransferInput;
  tuning: TuningPlan;
  evaluation: EvaluationPlan;
  evaluator: EvaluatorInput;
}

/** What tells the trials of a plan apart. */
export interface TrialId {
  table: TrialTable;
  /** Of an ablation, the question that it answers. */
  group?: string;
  task: string;
  method: MethodName | AblationName;
  imagesPerClass: number;
  steps: number;
  seed: number;
  /** N_G + N_t of factored models in the iso-MACs table. */
  macsRank?: number;
}

/** Trains and scores a method on the novel classes of a task. */
export interface TrialJob extends JobNode {
  kind: 'trial';
  trial: TrialId;
  transfer: TransferInput;
  /** The key of the job that chooses its learning rate and guidance. */
  tunedBy: string;
  evaluation: EvaluationPlan;
  evaluator: EvaluatorInput;
  /** The key of a trial of another table with the very same numbers: its result is copied. */
  sharedResult?: string;
}

/** What tells the models of the deployment table apart. */
export interface BudgetId {
  task: string;
  method: BudgetMethod;
  /** Fraction of the bundle's components, or the width of a small model. */
  size: number;
  seed: number;
}

/** Draws and scores pre-training classes by a model within a budget; nothing is trained. */
export interface BudgetJob extends JobNode {
  kind: 'budget';
  budget: BudgetId;
  /** The model that is cut, or the small one itself. */
  base: BaseInput;
  guidanceScale: number;
  evaluation: EvaluationPlan;
  evaluator: EvaluatorInput;
}

/** One job of a benchmark, with all that a worker needs to do it. It is plain data: it may be sent to another process. */
export type Job = DataJob | ClassifierJob | LearningRateJob | BaseJob | TuningJob | TrialJob | BudgetJob;

/** The jobs of a plan by key; jobs come after those that they need. */
export type Jobs = ReadonlyMap<string, Job>;
