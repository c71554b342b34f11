import { type BatchPlan, classPlaces, planBatch } from '@learngene/nn';
import type { AdaptedConfig } from './model';

/**
 * Plans a batch by adapter, see `planBatch` of `@learngene/nn`. `nullGate` decides what samples without a label use.
 *
 * @param labels - [N] class ids in [0, n], n being the null label.
 * @param dropped - [N] whether each sample's label was dropped (default none).
 * @throws Error on an id out of range.
 */
export function adapterBatchPlan(
  labels: Int32Array,
  { groups, nullGate }: Pick<AdaptedConfig, 'groups' | 'nullGate'>,
  dropped?: ArrayLike<number | boolean>,
): BatchPlan {
  const droppedKeepGroup = nullGate === 'own-class';
  return planBatch(labels, {
    groups,
    nullLabel: classPlaces(groups).size,
    droppedKeepGroup,
    // The null label has no class of its own, but with one group there is only one adapter that it can mean.
    ...(droppedKeepGroup && groups.length === 1 && { nullGroup: 0 }),
    ...(dropped && { dropped }),
  });
}
