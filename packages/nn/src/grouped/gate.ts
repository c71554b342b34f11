/** What a sample uses whose label was dropped for classifier-free guidance (Ho & Salimans 2022). */
export interface GateRule {
  /** True: it keeps the parameters of the group of its class. False: it uses only what all samples use. */
  readonly droppedKeepGroup: boolean;
}

/**
 * Whether a sample uses the parameters of its class's group.
 *
 * @param dropped Whether its label was dropped.
 */
export function opensGate(dropped: number | boolean | undefined, { droppedKeepGroup }: GateRule): boolean {
  return !dropped || droppedKeepGroup;
}

/**
 * Orders a batch by gate: first the samples that use no group, then the others by class. Samples with the same gate
 * keep their order.
 *
 * @param labels [N] class ids.
 * @param dropped [N] whether each label was dropped.
 * @returns the order [N]: sample `order[i]` comes i-th.
 */
export function gateOrder(labels: Int32Array, dropped: ArrayLike<number | boolean>, rule: GateRule): Int32Array {
  const gates = labels.map((label, i) => (opensGate(dropped[i], rule) ? label : -1));
  return stableOrder(gates);
}

/** The order that sorts integers; equal ones keep their order. */
export function stableOrder(keys: ArrayLike<number>): Int32Array {
  return Int32Array.from({ length: keys.length }, (_, i) => i).sort((a, b) => keys[a] - keys[b] || a - b);
}
