import { type BatchPlan, planBatch } from '@learngene/nn';
import { type AnyKindConfig, networkOf } from './config-types';

/**
 * Plans a batch by the gates of a model, see `planBatch` of `@learngene/nn`. A sample with the null label uses
 * learngenes only. A sample whose label was dropped gets the null embedding, and `nullGate` decides which gate it has.
 *
 * @param labels - [N] class ids in [0, classes] of the network; `classes` is the null label.
 * @param dropped - [N] whether each sample's label was dropped (default none).
 * @throws Error on a label out of range and on a class that is in no group.
 */
export function kindBatchPlan(
  labels: Int32Array,
  config: AnyKindConfig,
  dropped?: ArrayLike<number | boolean>,
): BatchPlan {
  const { groups, nullGate } = config;
  return planBatch(labels, {
    groups,
    nullLabel: networkOf(config).classes,
    droppedKeepGroup: nullGate === 'own-class',
    ...(dropped && { dropped }),
  });
}
