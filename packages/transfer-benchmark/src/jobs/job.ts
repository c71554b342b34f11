import type { FilledAutoencoder } from '../plan/autoencoders';
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
  /** Where the images come from, and how they are prepared. */
  source: DatasetPlan;
  /** The latents of its images that models work in; they work in pixels without. */
  latents?: LatentsInput;
}

/** Latents of some classes of a dataset. */
export interface LatentsInput {
  /** The name of their folder in `latents`. */
  key: string;
  /** The autoencoder that they are of. */
  autoencoder: FilledAutoencoder;
  /** The classes whose images are encoded, sorted by name. */
  classes: readonly string[];
}

/** A model and its pre-training. */
export interface BaseModel {
  /** Form of the model. */
  spec: BaseSpec;
  /** Images that it is trained on. */
  dataset: DatasetInput;
  /** Names of the classes that it is trained on. */
  classes: readonly string[];
  /** Seed of its weights and of its training. */
  seed: number;
  /** Sizes of all models of the plan. */
  model: ModelPlan;
  /** How it is trained. */
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
  /** Images that the classifiers are trained on. */
  dataset: DatasetInput;
  /** All classes that a task of the plan uses, sorted by name. The classifiers have them in the dataset's order. */
  classes: readonly string[];
  /** The names of the classifiers' files in `classifiers`. */
  keys: Readonly<Record<ClassifierRole, string>>;
}

/** The training of a method on some classes. */
export interface TransferInput {
  /** The method. */
  spec: MethodSpec;
  /** The base that the method starts from; of a method without a base, the model that it trains. */
  base: BaseInput;
  /** Images of the novel classes. */
  dataset: DatasetInput;
  /** The task's tuning classes or its novel ones. */
  classes: readonly string[];
  /** The number of novel classes for which sizes of methods are matched; the tuning classes use the sizes of the novel ones. */
  matchFor: number;
  /** Training images of each class; 0 means all. */
  imagesPerClass: number;
  /** Optimiser steps. */
  steps: number;
  /** Seed of the training. */
  seed: number;
  /** How the method is trained. */
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
  /** Tells the jobs apart. */
  kind: 'data';
  /** The dataset to pack. */
  dataset: DatasetInput;
}

/** Encodes images of a dataset, mirrored ones too where training mirrors. */
export interface LatentsJob extends JobNode {
  /** Tells the jobs apart. */
  kind: 'latents';
  /** The images. */
  dataset: DatasetInput & Required<Pick<DatasetInput, 'latents'>>;
}

/** Trains a classifier. */
export interface ClassifierJob extends JobNode {
  /** Tells the jobs apart. */
  kind: 'classifier';
  /** What the classifier is for; each role has its own seed. */
  role: ClassifierRole;
  /** Images and classes. */
  evaluator: EvaluatorInput;
  /** Optimiser steps. */
  steps: number;
  /** Images of a step. */
  batchSize: number;
}

/** Chooses the learning rate of a form of base, by the loss on held-out images of its own classes. */
export interface LearningRateJob extends JobNode {
  /** Tells the jobs apart. */
  kind: 'learning-rate';
  /** The model that is trained with each rate. */
  base: BaseModel;
  /** The rates to try. */
  learningRates: readonly number[];
}

/** Pre-trains a base. */
export interface BaseJob extends JobNode {
  /** Tells the jobs apart. */
  kind: 'base';
  /** The model to train. */
  base: BaseInput;
  /** The rate itself, or the job that chooses it. */
  learningRate:
    | number
    | {
        /** Key of that job. */
        chosenBy: string;
      };
}

/** Chooses the learning rate and the guidance of a method on the tuning classes of a task. */
export interface TuningJob extends JobNode {
  /** Tells the jobs apart. */
  kind: 'tuning';
  /** Name of the task in the plan. */
  task: string;
  /** Name of the method in the plan. */
  method: MethodName | AblationName;
  /** N_G + N_t of factored models in the iso-MACs table. */
  macsRank?: number;
  /** The training on the tuning classes. */
  transfer: TransferInput;
  /** What is tried. */
  tuning: TuningPlan;
  /** How models are sampled. */
  evaluation: EvaluationPlan;
  /** The classifiers that score samples. */
  evaluator: EvaluatorInput;
}

/** What tells the trials of a plan apart. */
export interface TrialId {
  /** The table that the trial belongs to. */
  table: TrialTable;
  /** Of an ablation, the question that it answers. */
  group?: string;
  /** Name of the task in the plan. */
  task: string;
  /** Name of the method in the plan. */
  method: MethodName | AblationName;
  /** Training images of each novel class; 0 means all. */
  imagesPerClass: number;
  /** Optimiser steps of the transfer. */
  steps: number;
  /** Seed of the trial and of its base model. */
  seed: number;
  /** N_G + N_t of factored models in the iso-MACs table. */
  macsRank?: number;
}

/** Trains and scores a method on the novel classes of a task. */
export interface TrialJob extends JobNode {
  /** Tells the jobs apart. */
  kind: 'trial';
  /** Which trial it is. */
  trial: TrialId;
  /** The training on the novel classes. */
  transfer: TransferInput;
  /** The key of the job that chooses its learning rate and guidance. */
  tunedBy: string;
  /** How the model is sampled. */
  evaluation: EvaluationPlan;
  /** The classifiers that score samples. */
  evaluator: EvaluatorInput;
  /** The key of a trial of another table with the very same numbers: its result is copied. */
  sharedResult?: string;
}

/** What tells the models of the deployment table apart. */
export interface BudgetId {
  /** Name of the task in the plan. */
  task: string;
  /** Name of the budget method. */
  method: BudgetMethod;
  /** Fraction of the bundle's components, or the width of a small model. */
  size: number;
  /** Seed of the base model. */
  seed: number;
}

/** Draws and scores pre-training classes by a model within a budget; nothing is trained. */
export interface BudgetJob extends JobNode {
  /** Tells the jobs apart. */
  kind: 'budget';
  /** Which model it is. */
  budget: BudgetId;
  /** The model that is cut, or the small one itself. */
  base: BaseInput;
  /** Scale of the guidance, against the learngenes for a bundle and against the null label for a dense model. */
  guidanceScale: number;
  /** How the model is sampled. */
  evaluation: EvaluationPlan;
  /** The classifiers that score samples. */
  evaluator: EvaluatorInput;
}

/** One job of a benchmark, with all that a worker needs to do it. It is plain data: it may be sent to another process. */
export type Job = DataJob | LatentsJob | ClassifierJob | LearningRateJob | BaseJob | TuningJob | TrialJob | BudgetJob;

/** The jobs of a plan by key; jobs come after those that they need. */
export type Jobs = ReadonlyMap<string, Job>;
