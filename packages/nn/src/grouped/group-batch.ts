import { checkOptions } from '../core/check';
import { type GateRule, opensGate, stableOrder } from './gate';
import { type ClassGroup, classPlaces } from './groups';

/** A run of samples that use the parameters of the same group. */
export interface GroupSegment {
  /** First sample. */
  readonly start: number;
  /** One past the last sample. */
  readonly end: number;
  /** Name of the group; null: no group, only what all samples use. */
  readonly group: string | null;
}

/**
 * The plan of a batch: in which order and segments it is computed, group by group. It is made on the host from the
 * labels; nothing is read from the device.
 */
export interface BatchPlan {
  /** Sample `order[i]` of the batch comes i-th; undefined when the samples of every group are neighbours already. */
  readonly order?: Int32Array;
  /** The inverse permutation of `order`. */
  readonly inverse?: Int32Array;
  /** Runs of samples of one group, in planned order; they cover the batch. */
  readonly segments: readonly GroupSegment[];
  /** Names of the groups that have samples in the batch, in the order of the list of groups. */
  readonly activeGroups: readonly string[];
  /** [N] index of each sample's group in the list of groups, in planned order; -1: no group. */
  readonly gates: Int32Array;
  /**
   * [N] labels in planned order, with dropped ones replaced by the null label. They say which embedding a sample gets.
   */
  readonly labels: Int32Array;
  /** [N] labels in planned order as they were given. */
  readonly classes: Int32Array;
}

/** What decides which group a sample uses. */
export type GroupBatchOptions = GateRule & {
  /** The groups of the model. */
  readonly groups: readonly ClassGroup[];
  /** The id that stands for no label, one above the last class. */
  readonly nullLabel: number;
  /** Index of the group that samples with the null label use (default: no group). */
  readonly nullGroup?: number;
  /** [N] whether each sample's label was dropped for classifier-free guidance (default none). */
  readonly dropped?: ArrayLike<number | boolean>;
};

/**
 * Plans a batch so that samples of the same group are neighbours. A batch where they are neighbours already keeps its
 * order. Otherwise samples of no group come first, then the groups in the order of the list; samples of a group keep
 * their order.
 *
 * @param labels [N] class ids in [0, nullLabel].
 * @throws Error on an empty batch, a label out of range, a class that is in no group, and a number of flags that
 *   differs from that of the labels.
 */
export function planBatch(labels: Int32Array, options: GroupBatchOptions): BatchPlan {
  checkOptions(options, ['groups', 'nullLabel', 'nullGroup', 'dropped', 'droppedKeepGroup']);
  const { groups, nullLabel, dropped } = options;
  const gates = gatesOf(labels, options);
  const order = isGrouped(gates) ? undefined : stableOrder(gates);
  const at = (i: number) => (order ? order[i] : i);
  const planned = order ? gates.map((_, i) => gates[order[i]]) : gates;
  const segments: GroupSegment[] = [];
  for (let i = 0; i < planned.length; i++) {
    const gate = planned[i];
    const start = i;
    while (i + 1 < planned.length && planned[i + 1] === gate) i++;
    segments.push({ start, end: i + 1, group: gate < 0 ? null : groups[gate].name });
  }
  const active = [...new Set(gates)].filter((gate) => gate >= 0).sort((a, b) => a - b);
  return {
    ...(order && { order, inverse: inverseOf(order) }),
    segments,
    activeGroups: active.map((gate) => groups[gate].name),
    gates: planned,
    labels: labels.map((_, i) => (dropped?.[at(i)] ? nullLabel : labels[at(i)])),
    classes: labels.map((_, i) => labels[at(i)]),
  };
}

/** The index of each sample's group, in the order of the batch; -1: no group. */
function gatesOf(
  labels: Int32Array,
  { dropped, nullLabel, nullGroup = -1, ...options }: GroupBatchOptions,
): Int32Array {
  if (!(labels instanceof Int32Array) || labels.length === 0) {
    throw new Error(`labels: expected an Int32Array of at least one label, got ${describe(labels)}`);
  }
  if (dropped && dropped.length !== labels.length) {
    throw new Error(`dropped: expected ${labels.length} flags, got ${dropped.length}`);
  }
  const places = classPlaces(options.groups);
  return labels.map((label, i) => {
    if (label < 0 || label > nullLabel) {
      throw new Error(`labels[${i}]: expected a class in [0, ${nullLabel}], got ${label}`);
    }
    if (label === nullLabel) return nullGroup;
    const place = places.get(label);
    if (!place) throw new Error(`labels[${i}]: class ${label} is in no group`);
    return opensGate(dropped?.[i], options) ? place.group : -1;
  });
}

/** Whether equal gates are all neighbours. */
function isGrouped(gates: Int32Array): boolean {
  const seen = new Set<number>();
  return gates.every((gate, i) => {
    if (i > 0 && gates[i - 1] === gate) return true;
    if (seen.has(gate)) return false;
    seen.add(gate);
    return true;
  });
}

function inverseOf(order: Int32Array): Int32Array {
  const inverse = new Int32Array(order.length);
  for (const [to, from] of order.entries()) inverse[from] = to;
  return inverse;
}

function describe(value: unknown): string {
  if (value instanceof Int32Array) return 'an empty one';
  return value === null ? 'null' : (value?.constructor?.name ?? typeof value);
}
