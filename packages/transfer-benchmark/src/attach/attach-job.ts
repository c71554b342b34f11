import type { ParamTree } from '@learngene/nn';
import type { DiffusionBatch, DiffusionLearner } from '@learngene/trainer';
import type { BaseJob } from '../plan/bases';
import type { MethodSpec } from '../plan/methods';
import type { Plan } from '../plan/plan';

/** What a method is attached to, and for whom. */
export interface AttachJob {
  plan: Plan;
  spec: MethodSpec;
  base: BaseJob;
  /** Averaged weights of the base; never disposed. */
  tree: ParamTree;
  /** Shape and classes of the pictures of the base. */
  pictures: { height: number; width: number; channels: number; classes: readonly string[] };
  /** Novel classes. */
  classes: readonly string[];
  /** How many novel classes the sizes of methods are matched for; the tuning classes use the sizes of the novel ones. */
  matchFor: number;
  /** Steps of the whole transfer. */
  steps: number;
  seed: number;
  /** Pictures to look at before the training, for methods that choose by them. */
  look: (step: number) => DiffusionBatch;
}

/** A learner with the size that was matched. */
export interface Attached {
  learner: DiffusionLearner;
  /** Rank, or whatever the method's size is counted in. */
  size?: number;
}
