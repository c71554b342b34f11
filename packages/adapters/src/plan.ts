import { type AdapterGroup, classPlaces } from './groups';

/** A run of samples that use one adapter. */
export type PlanSegment = {
  /** First sample. */
  readonly start: number;
  /** One past the last sample. */
  readonly end: number;
  /** The group whose adapter these samples use; null: the base model. */
  readonly group: string | null;
};

/** How a batch is computed; made on the host from labels that never leave it. */
export type AdapterPlan = {
  /** Sample `order[i]` of the batch comes i-th; undefined when the batch is grouped already. */
  readonly order?: Int32Array;
  /** The inverse permutation of `order`. */
  readonly inverse?: Int32Array;
  /** Runs of samples with one adapter, in planned order; they cover the batch. */
  readonly segments: readonly PlanSegment[];
  /** Names of the groups that take part, in the order of the config. */
  readonly activeGroups: readonly string[];
  /** Labels in planned order, dropped ones replaced by the null label. */
  readonly labels: Int32Array;
};

/** What decides which adapter a sample uses. */
export type GateOptions = {
  /** The groups of the model. */
  readonly groups: readonly AdapterGroup[];
  /** What samples without a label use, see `AdaptedConfig`. */
  readonly nullGate: 'base' | 'own-class';
  /** For every sample, whether its label was dropped for classifier-free guidance (default none). */
  readonly dropped?: ArrayLike<number | boolean>;
};

/**
 * Groups a batch by adapter. It is left in place when the samples of every group are neighbours already; otherwise it is
 * ordered by group, samples of the base model first, stable within a group.
 *
 * @param labels - [N] class ids in [0, n], n being the null label. Throws on an id out of range.
 */
export function planBatch(labels: Int32Array, { groups, nullGate, dropped }: GateOptions): AdapterPlan {
  const places = classPlaces(groups);
  const nullLabel = places.size;
  if (!(labels instanceof Int32Array) || labels.length === 0) {
    throw new Error('labels: expected an Int32Array of at least one label');
  }
  if (dropped && dropped.length !== labels.length) {
    throw new Error(`dropped: expected ${labels.length} flags, got ${dropped.length}`);
  }
  // With one group the null label itself has an adapter of its own class: the only one.
  const nullGroup = nullGate === 'own-class' && groups.length === 1 ? 0 : -1;
  const gates = Array.from(labels, (label, i) => {
    if (label === nullLabel) return nullGroup;
    const place = places.get(label);
    if (!place) throw new Error(`labels[${i}]: expected a class in [0, ${nullLabel}], got ${label}`);
    return dropped?.[i] && nullGate === 'base' ? -1 : place.group;
  });
  const order = isGrouped(gates)
    ? undefined
    : Int32Array.from(gates.keys()).sort((a, b) => gates[a] - gates[b] || a - b);
  const at = (i: number) => (order ? order[i] : i);
  const segments: PlanSegment[] = [];
  for (let i = 0; i < gates.length; i++) {
    const gate = gates[at(i)];
    const start = i;
    while (i + 1 < gates.length && gates[at(i + 1)] === gate) i++;
    segments.push({ start, end: i + 1, group: gate < 0 ? null : groups[gate].name });
  }
  const inverse = order && new Int32Array(order.length);
  order?.forEach((from, to) => {
    inverse![from] = to;
  });
  const active = new Set(gates);
  return {
    ...(order && { order, inverse }),
    segments,
    activeGroups: groups.filter((_, i) => active.has(i)).map((group) => group.name),
    labels: labels.map((_, i) => (dropped?.[at(i)] ? nullLabel : labels[at(i)])),
  };
}

/** Whether equal gates are all neighbours. */
function isGrouped(gates: readonly number[]): boolean {
  const seen = new Set<number>();
  return gates.every((gate, i) => {
    if (i > 0 && gates[i - 1] === gate) return true;
    if (seen.has(gate)) return false;
    seen.add(gate);
    return true;
  });
}
