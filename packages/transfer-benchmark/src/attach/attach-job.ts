import type { ParamTree } from '@learngene/nn';
import type { DiffusionBatch, DiffusionLearner } from '@learngene/trainer';
import type { TransferInput } from '../jobs/job';
import type { InputShape } from '../plan/base-spec';

/** A method, its base and the classes it is attached for. */
export interface AttachJob extends Pick<TransferInput, 'spec' | 'classes' | 'matchFor' | 'steps' | 'seed'> {
  base: Pick<TransferInput['base'], 'spec' | 'model'>;
  /** How the label rows of novel classes start. */
  labels: TransferInput['transfer']['labels'];
  /** Averaged weights of the base; never disposed. */
  tree: ParamTree;
  /** Shape of what the base denoises, and its classes. */
  input: InputShape;
  /** Batches of the base's own classes, for methods that choose what to keep by them. */
  calibrationBatch: (step: number) => DiffusionBatch;
}

/** A learner, and the size of its method. */
export interface Attached {
  learner: DiffusionLearner;
  /** The rank, block size or other number that sets the method's size; absent where it has none. */
  size?: number;
}
