import type { ImageDataset } from '@learngene/datasets';
import {
  type DiffusionLearner,
  meanLoss,
  type ValidationSet,
  validationBatches,
  validationSet,
} from '@learngene/trainer';
import { takePerClass } from '../data/data';
import { diffusion } from '../training/process';

/** Draws the validation set of held-out images; it depends on the images alone. */
export function heldOutSet(heldOut: ImageDataset, perClass: number): Promise<ValidationSet> {
  return validationSet(takePerClass(heldOut, perClass, { purpose: 'validation', seed: 0 }), diffusion);
}

/** The mean loss of the averaged weights over a validation set, with labels. */
export function validationLoss(learner: DiffusionLearner, set: ValidationSet): Promise<number> {
  return meanLoss(learner, validationBatches(set));
}
