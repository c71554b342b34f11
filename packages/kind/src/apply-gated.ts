import {
  applyEpilogue,
  type BatchPlan,
  type Epilogue,
  groupedLowRank,
  groupedLowRankTogether,
  type LowRankFactors,
  type LowRankSegment,
  reorderRows,
} from '@learngene/nn';
import { concatComponents, type FactoredParams } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { kindBatchPlan } from './batch-plan';
import type { AnyKindConfig } from './config-types';
import { softGate } from './gate';
import { checkOptionNames } from './option-names';
import { type NetworkParams, nodeAt, subTree, tailorsOf } from './params';
import { softLowRank } from './soft-low-rank';

/**
 * Applies the factored layer `name` to x [N, T, in] and returns [N, T, out]. `epilogue` is the operation that follows
 * the layer, if there is one.
 */
export interface GatedLinear {
  (x: tf.Tensor3D, name: string, epilogue?: Epilogue): tf.Tensor3D;
  /** Applies several layers of one x, without epilogues; the results are in the order of the names. */
  readonly together: (x: tf.Tensor3D, names: readonly string[]) => tf.Tensor3D[];
}

/** A batch whose class gates are set. A network is computed from its fields. */
export interface GatedBatch {
  /** Dense parameters that all classes share. */
  readonly shared: NetworkParams['shared'];
  /** Applies a factored layer with the components that each sample's gate opens. Samples are in planned order. */
  readonly linear: GatedLinear;
  /** The batch plan: segments of samples of the same groups, and the labels, in planned order. */
  readonly plan: BatchPlan;
  /** Factors and class tables of a group. */
  readonly tailors: (group: string) => NetworkParams['tailors'][string];
  /** Puts rows [N, ...] of the batch in planned order. */
  readonly reorder: <T extends tf.Tensor>(rows: T) => T;
  /** Puts rows in planned order back in the order of the batch. */
  readonly restore: <T extends tf.Tensor>(rows: T) => T;
}

/** Settings of {@link applyGated}. */
export interface ApplyGatedOptions {
  /** The configuration that the parameters were made for. */
  readonly config: AnyKindConfig;
  /**
   * For every sample, whether its label was dropped (default none). `nullGate` decides which gate such a sample has.
   */
  readonly dropped?: ArrayLike<number | boolean>;
}

/**
 * Computes a network whose factored layers have the weight W_c: the sum of the learngenes and of the tailors that the
 * gate of class c opens (KIND, arXiv 2408.07337, section 3). With a binary gate the batch is grouped by class on the
 * host, and each sample pays for N_G + N_t components. With a soft gate the components of all groups are computed, and
 * the batch keeps its order.
 *
 * @param params - never disposed; only the tailors of groups in the batch need to be there (all, with a soft gate).
 * @param labels - [N] class ids in [0, classes] of the network; `classes` is the null label, which uses learngenes only.
 * @param network - the network: it puts its inputs in planned order with `reorder`, calls `linear` for every factored
 *   layer, and gives its output back with `restore`. Called once, inside a tidy.
 * @returns what `network` returns; the caller owns it. Differentiable in the parameters that take part.
 * @throws on labels out of range and when a group's tailors are not loaded
 */
export function applyGated<T extends tf.TensorContainer>(
  params: NetworkParams,
  labels: Int32Array,
  options: ApplyGatedOptions,
  network: (batch: GatedBatch) => T,
): T {
  checkOptionNames('applyGated', options, ['config', 'dropped']);
  const { config, dropped } = options;
  const plan = kindBatchPlan(labels, config, dropped);
  return tf.tidy(() => network(gatedBatch(params, { config, plan })));
}

/** A configuration and the plan of a batch made for it. */
export interface PlannedBatch {
  readonly config: AnyKindConfig;
  readonly plan: BatchPlan;
}

/** The batch of a plan with its gates set; call it inside a tidy. */
export function gatedBatch(params: NetworkParams, { config, plan }: PlannedBatch): GatedBatch {
  const { shared } = params;
  const tailors = (group: string) => tailorsOf(params, group);
  if (config.gate === 'soft') {
    const natural = inBatchOrder(plan);
    const same = <T extends tf.Tensor>(rows: T) => rows;
    const linear = softLinear(params, { config, plan: natural });
    return { shared, tailors, linear, plan: natural, reorder: same, restore: same };
  }
  const { order, inverse } = plan;
  return {
    shared,
    tailors,
    linear: binaryLinear(params, plan),
    plan,
    reorder: (rows) => (order && inverse ? reorderRows(rows, order, inverse) : rows),
    restore: (rows) => (order && inverse ? reorderRows(rows, inverse, order) : rows),
  };
}

/** The factored layers of a batch grouped by class. */
function binaryLinear(params: NetworkParams, { segments }: BatchPlan): GatedLinear {
  const own = segments.flatMap(({ start, end, groups }) =>
    groups.length === 0 ? [] : [{ start, end, tailors: groups.map((group) => tailorsOf(params, group)) }],
  );
  const layerAt = (name: string) => {
    const path = name.split('.');
    const at: LowRankSegment[] = [];
    for (const { start, end, tailors } of own) {
      const factors = tailors.flatMap((tree) => nodeAt<LowRankFactors>(tree, path) ?? []);
      if (factors.length > 0) at.push({ start, end, factors: summed(factors) });
    }
    return { common: learngenesAt(params, name, path), segments: at };
  };
  return Object.assign(
    (x: tf.Tensor3D, name: string, epilogue?: Epilogue) => groupedLowRank(x, { ...layerAt(name), epilogue }),
    { together: (x: tf.Tensor3D, names: readonly string[]) => groupedLowRankTogether(x, names.map(layerAt)) },
  );
}

/** The factors whose weight is the sum of the weights of some factors: the components of all of them. */
export function summed(factors: readonly LowRankFactors[]): LowRankFactors {
  return factors.length === 1 ? factors[0] : concatComponents(...factors);
}

/** The plan without its order: with a soft gate there is nothing to group. */
function inBatchOrder(plan: BatchPlan): BatchPlan {
  const { order, inverse, ...rest } = plan;
  const unsorted = (values: Int32Array) => (inverse ? inverse.map((at) => values[at]) : values);
  return { ...rest, labels: unsorted(plan.labels), classes: unsorted(plan.classes), gates: unsorted(plan.gates) };
}

/** The factored layers with all groups' tailors, weighted for each sample. */
function softLinear(params: NetworkParams, { config, plan }: PlannedBatch): GatedLinear {
  const names = config.groups.map((group) => group.name);
  const alpha = softGate(params, plan, config); // [N, K]
  const linear = (x: tf.Tensor3D, name: string, epilogue?: Epilogue) => {
    const tailors = names.map((group) => subTree<LowRankFactors>(tailorsOf(params, group), name));
    const y = softLowRank(x, learngenesAt(params, name), { tailors, alpha });
    return epilogue ? applyEpilogue(y, epilogue) : y;
  };
  const together = (x: tf.Tensor3D, layers: readonly string[]) => layers.map((name) => linear(x, name));
  return Object.assign(linear, { together });
}

function learngenesAt(params: NetworkParams, name: string, path: readonly string[] = name.split('.')): FactoredParams {
  const layer = nodeAt<FactoredParams>(params.learngenes, path);
  if (!layer) throw new Error(`params: expected learngenes at ${name}, got none`);
  return layer;
}
