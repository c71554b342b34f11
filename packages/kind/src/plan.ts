import type { KindConfig } from './config';
import { classPlaces } from './groups';
import { checkOptionNames } from './option-names';

/** A run of samples with the same gate, in a batch grouped by class. */
export type Segment = {
  /** First sample. */
  readonly start: number;
  /** One past the last sample. */
  readonly end: number;
  /** Name of the group whose tailors these samples use; null: learngenes only. */
  readonly group: string | null;
};

/** How a batch is computed; made on the host from labels that never leave it. */
export type BatchPlan = {
  /** Sample `order[i]` of the batch comes i-th; undefined when the batch is grouped already. */
  readonly order?: Int32Array;
  /** The inverse permutation of `order`. */
  readonly inverse?: Int32Array;
  /** Runs of samples with one gate, in planned order; they cover the batch. */
  readonly segments: readonly Segment[];
  /** Names of the groups that take part, in the order of the config. */
  readonly activeGroups: readonly string[];
  /** Labels in planned order with dropped ones replaced by the null label: which embedding a sample gets. */
  readonly labels: Int32Array;
  /** Labels in planned order as they were given: the class whose gate a sample has. */
  readonly classes: Int32Array;
};

/** Options of {@link planBatch}. */
export type PlanOptions = {
  /** For every sample, whether its label was dropped for classifier-free guidance (default none). */
  readonly dropped?: ArrayLike<number | boolean>;
};

/**
 * Groups a batch by gate. The batch is left in place when the samples of every group are neighbours already;
 * otherwise it is ordered by group, learngenes-only samples first, stable within a group.
 *
 * @param labels - N class ids in [0, classes], `classes` being the null label. A sample with the null label uses
 *   learngenes only; a sample that `dropped` marks gets the null embedding and the gate that `nullGate` says.
 *
 * Throws on a label out of range and on a class that is in no group.
 */
export function planBatch(labels: Int32Array, config: KindConfig, options: PlanOptions = {}): BatchPlan {
  checkOptionNames('planBatch', options, ['dropped']);
  const { dropped } = options;
  const { groups, nullGate } = config;
  const nullLabel = config.dit.classes;
  if (!(labels instanceof Int32Array) || labels.length === 0) {
    throw new Error(`labels: expected an Int32Array of at least one label, got ${describe(labels)}`);
  }
  if (dropped && dropped.length !== labels.length) {
    throw new Error(`dropped: expected ${labels.length} flags, got ${dropped.length}`);
  }
  const places = classPlaces(groups);
  const gates = Array.from(labels, (label, i) => {
    if (label < 0 || label > nullLabel) {
      throw new Error(`labels[${i}]: expected a class in [0, ${nullLabel}], got ${label}`);
    }
    if (label === nullLabel) return -1;
    const place = places.get(label);
    if (!place) throw new Error(`labels[${i}]: class ${label} is in no group`);
    return dropped?.[i] && nullGate === 'learngenes' ? -1 : place.group;
  });
  const order = isGrouped(gates) ? undefined : sortedOrder(gates);
  const at = (i: number) => (order ? order[i] : i);
  const segments: Segment[] = [];
  for (let i = 0; i < gates.length; i++) {
    const gate = gates[at(i)];
    const start = i;
    while (i + 1 < gates.length && gates[at(i + 1)] === gate) i++;
    segments.push({ start, end: i + 1, group: gate < 0 ? null : groups[gate].name });
  }
  const active = [...new Set(gates)].filter((gate) => gate >= 0).sort((a, b) => a - b);
  const inverse = order && new Int32Array(order.length);
  order?.forEach((from, to) => {
    inverse![from] = to;
  });
  return {
    ...(order && { order, inverse }),
    segments,
    activeGroups: active.map((gate) => groups[gate].name),
    labels: labels.map((_, i) => (dropped?.[at(i)] ? nullLabel : labels[at(i)])),
    classes: labels.map((_, i) => labels[at(i)]),
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

function sortedOrder(gates: readonly number[]): Int32Array {
  return Int32Array.from(gates.keys()).sort((a, b) => gates[a] - gates[b] || a - b);
}

function describe(value: unknown): string {
  if (value instanceof Int32Array) return 'an empty one';
  return value === null ? 'null' : (value?.constructor?.name ?? typeof value);
}
