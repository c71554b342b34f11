import {
  blockLinearNames,
  countDitMacs,
  type DitConfig,
  ditTensorShapes,
  linearShape,
  tokenCount,
} from '@learngene/dit';
import { methodOf } from './methods';
import type { AdaptedConfig } from './model';

/** Bytes of a stored number (float32). */
const BYTES = 4;

/** Parameters, multiply-accumulates and bytes of an adapted model, from its config alone. */
export type AdapterCounts = {
  /** Parameters that one group trains, without its label rows. */
  readonly adapter: number;
  /** Parameters of one class's label row. */
  readonly labelRow: number;
  /** Everything that is trained: the adapters of all groups and the label rows of all classes. */
  readonly trainable: number;
  /** What stays frozen, as it is held in memory: without what an overlay hides, null row included. */
  readonly frozen: number;
  /**
   * Multiply-accumulates of one sample's forward pass with an adapter beside the frozen weights. What is formed from
   * trained tensors once a pass is not in it, see `formation`.
   */
  readonly macs: number;
  /** Multiply-accumulates of one sample with the adapter merged into plain weights: those of the dense DiT. */
  readonly mergedMacs: number;
  /** Multiply-accumulates once a group in the batch and forward pass, whatever the batch's size. */
  readonly formation: number;
  /** Bytes of float32 tensors that must be shipped for the largest group: its adapter and label rows. */
  readonly bytesPerGroup: number;
};

/** Counts parameters, MACs and bytes from the config; makes no tensor. */
export function countAdapted(config: AdaptedConfig): AdapterCounts {
  const { dit, adapter, groups } = config;
  const method = methodOf(adapter);
  const labelRow = dit.hiddenSize;
  const dense = countDitMacs(dit);
  const sizes = groups.map((group) => group.classes.length);
  const one = countTrained(config);
  const names = blockLinearNames(dit);
  const sum = (f: (size: { in: number; out: number }) => number) =>
    names.reduce((total, name) => total + f(linearShape(dit, name)), 0);
  let frozen = countNames(dit, () => true) + labelRow;
  if (method.kind === 'layer') {
    const weights = sum((size) => size.in * size.out);
    frozen += sum((size) => countShapes(method.frozen(size, adapter))) - weights;
  }
  const linear = method.kind === 'layer' ? tokenCount(dit) * sum((size) => method.macs(size, adapter)) : dense.linear;
  return {
    adapter: one,
    labelRow,
    trainable: groups.length * one + sizes.reduce((total, size) => total + size * labelRow, 0),
    frozen,
    macs: dense.total - dense.linear + linear,
    mergedMacs: dense.total,
    formation: method.kind === 'layer' ? sum((size) => method.formationMacs?.(size, adapter) ?? 0) : 0,
    bytesPerGroup: BYTES * (one + Math.max(...sizes) * labelRow),
  };
}

/** Parameters that one group trains, without label rows. */
export function countTrained({ dit, adapter }: Pick<AdaptedConfig, 'dit' | 'adapter'>): number {
  const method = methodOf(adapter);
  if (method.kind === 'layer') {
    const shapes = blockLinearNames(dit).map((name) => method.trained(linearShape(dit, name), adapter));
    return shapes.reduce((total, layer) => total + countShapes(layer), 0);
  }
  const none = method.trains('label.null', adapter) ? dit.hiddenSize : 0;
  return none + countNames(dit, (name) => method.trains(name, adapter));
}

/** Parameters of the DiT's tensors outside the label table whose names are accepted. */
function countNames(dit: DitConfig, accepts: (name: string) => boolean): number {
  let total = 0;
  for (const [name, shape] of ditTensorShapes(dit, 'learngene')) {
    if (name !== 'label.table' && accepts(name)) total += product(shape);
  }
  return total;
}

function countShapes(shapes: Readonly<Record<string, readonly number[]>>): number {
  return Object.values(shapes).reduce((total, shape) => total + product(shape), 0);
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, size) => total * size, 1);
}
