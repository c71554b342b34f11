import { countDitMacs, countDitParams, type LinearShape, linearShape, tokenCount } from '@learngene/dit';
import { adaptedLayers } from './core/layer-settings';
import { type AdapterConfig, methodOf } from './methods';
import type { AdaptedConfig } from './model';
import { trainedShapes } from './trained-shapes';

/** Bytes of a stored number (float32). */
const BYTES = 4;

/** Parameters, multiply-accumulates and bytes of an adapted model, from its config alone. */
export interface AdapterCounts {
  /** Parameters that one group trains, without its label rows. */
  readonly adapter: number;
  /** Parameters of one class's label row. */
  readonly labelRow: number;
  /** Everything that is trained: the adapters of all groups and the label rows of all classes. */
  readonly trainable: number;
  /**
   * Frozen parameters that are held in memory, the null row included. Tensors of the base that an overlay replaces are
   * not held and not counted.
   */
  readonly frozen: number;
  /**
   * Multiply-accumulates of one sample's forward pass with an adapter beside the frozen weights. Work that is done once
   * for a whole batch is counted in `formation`.
   */
  readonly macs: number;
  /** Multiply-accumulates of one sample with the adapter merged into plain weights: those of the dense DiT. */
  readonly mergedMacs: number;
  /**
   * Multiply-accumulates to form weights from trained tensors: once for each group in the batch and forward pass,
   * whatever the size of the batch.
   */
  readonly formation: number;
  /** Bytes of float32 tensors that must be shipped for the largest group: its adapter and label rows. */
  readonly bytesPerGroup: number;
}

/** Counts parameters, MACs and bytes from the config; makes no tensor. */
export function countAdapted(config: AdaptedConfig): AdapterCounts {
  const { dit, adapter, groups } = config;
  const method = methodOf(adapter);
  const labelRow = dit.hiddenSize;
  const dense = countDitMacs(dit);
  const sizes = groups.map((group) => group.classes.length);
  const one = sumOf([...trainedShapes(adapter, dit).values()].map(product));
  /** The sum over the layers with an adapter, each with its config; the others are as in the base model. */
  const sum = (f: (size: LinearShape, own: AdapterConfig) => number) =>
    sumOf(adaptedLayers(adapter, dit).map((layer) => f(linearShape(dit, layer.name), layer.config)));
  let frozen = countDitParams(dit).trainable - dit.classes * labelRow; // the null row stays
  let linear = dense.linear;
  if (method.kind === 'layer') {
    frozen += sum((size, own) => countShapes(method.frozen(size, own)) - size.in * size.out);
    linear += tokenCount(dit) * sum((size, own) => method.macs(size, own) - size.in * size.out);
  }
  return {
    adapter: one,
    labelRow,
    trainable: groups.length * one + sumOf(sizes) * labelRow,
    frozen,
    macs: dense.total - dense.linear + linear,
    mergedMacs: dense.total,
    formation: method.kind === 'layer' ? sum((size, own) => method.formationMacs?.(size, own) ?? 0) : 0,
    bytesPerGroup: BYTES * (one + Math.max(...sizes) * labelRow),
  };
}

function countShapes(shapes: Readonly<Record<string, readonly number[]>>): number {
  return sumOf(Object.values(shapes).map(product));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, size) => total * size, 1);
}
