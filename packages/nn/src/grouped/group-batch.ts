import { checkOptions } from '../core/check';
import { type GateRule, opensGate, stableOrder } from './gate';
import { type ClassGate, type ClassGroup, classGates } from './groups';

/** A run of samples that use the parameters of the same groups. */
export interface GroupSegment {
  /** First sample. */
  readonly start: number;
  /** One past the last sample. */
  readonly end: number;
  /** Name of the group; null: no group, only what all samples use. Of classes in several groups it is the first one. */
  readonly group: string | null;
  /** Names of all groups whose parameters the samples use; empty: no group. */
  readonly groups: readonly string[];
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
  /** [N] index of each sample's (first) group in the list of groups, in planned order; -1: no group. */
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
  const keys = Int32Array.from(gates, (gate) => gate.order);
  const order = isGrouped(keys) ? undefined : stableOrder(keys);
  const at = (i: number) => (order ? order[i] : i);
  const segments: GroupSegment[] = [];
  for (let i = 0; i < keys.length; i++) {
    const start = i;
    while (i + 1 < keys.length && keys[at(i + 1)] === keys[at(start)]) i++;
    const names = gates[at(start)].groups.map((group) => groups[group].name);
    segments.push({ start, end: i + 1, group: names[0] ?? null, groups: names });
  }
  const active = new Set(gates.flatMap((gate) => gate.groups));
  return {
    ...(order && { order, inverse: inverseOf(order) }),
    segments,
    activeGroups: groups.flatMap(({ name }, group) => (active.has(group) ? [name] : [])),
    gates: Int32Array.from(keys, (_, i) => gates[at(i)].groups[0] ?? -1),
    labels: labels.map((_, i) => (dropped?.[at(i)] ? nullLabel : labels[at(i)])),
    classes: labels.map((_, i) => labels[at(i)]),
  };
}

/** The gate of samples of no group, which come first. */
const CLOSED: ClassGate = { groups: [], order: -1 };

/** The groups of each sample, in the order of the batch. */
function gatesOf(labels: Int32Array, { dropped, nullLabel, nullGroup, ...options }: GroupBatchOptions): ClassGate[] {
  if (!(labels instanceof Int32Array) || labels.length === 0) {
    throw new Error(`labels: expected an Int32Array of at least one label, got ${describe(labels)}`);
  }
  if (dropped && dropped.length !== labels.length) {
    throw new Error(`dropped: expected ${labels.length} flags, got ${dropped.length}`);
  }
  const known = classGates(options.groups);
  const none = nullGroup === undefined ? CLOSED : gateOfGroup(nullGroup, known);
  return Array.from(labels, (label, i) => {
    if (label < 0 || label > nullLabel) {
      throw new Error(`labels[${i}]: expected a class in [0, ${nullLabel}], got ${label}`);
    }
    if (label === nullLabel) return none;
    const gate = known.get(label);
    if (!gate) throw new Error(`labels[${i}]: class ${label} is in no group`);
    return opensGate(dropped?.[i], options) ? gate : CLOSED;
  });
}

/** The gate that opens one group alone. Where no class has it, its samples come last. */
function gateOfGroup(group: number, known: ReadonlyMap<number, ClassGate>): ClassGate {
  const own = [...known.values()].find(({ groups }) => groups.length === 1 && groups[0] === group);
  return own ?? { groups: [group], order: known.size };
}

/** Whether equal keys are all neighbours. */
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
