import { type ApplyLinear, applyDit, type DitInputs, withEpilogue } from '@learngene/dit';
import { type BatchPlan, groupedLowRank, type LowRankFactors, reorderRows } from '@learngene/nn';
import type { FactoredParams } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { kindBatchPlan } from './batch-plan';
import type { KindConfig } from './config';
import { softGate } from './gate';
import { checkOptionNames } from './option-names';
import { embedLabels, type KindParams, subTree, tailorsOf } from './params';
import { softLowRank } from './soft-low-rank';

/** Settings of {@link applyKind}. */
export interface ApplyKindOptions {
  /** The configuration that the parameters were made for. */
  readonly config: KindConfig;
  /** For every sample, whether its label was dropped: null embedding, and the gate that `nullGate` says. */
  readonly dropped?: ArrayLike<number | boolean>;
}

/**
 * The gated, factored Diffusion Transformer: `applyDit` with W_c = sum of learngenes + the tailors that the class gate
 * opens, in every main layer (KIND, arXiv 2408.07337, section 3).
 *
 * With a binary gate the batch is grouped by class on the host (at most one reordering of x, t and the output), each
 * sample pays for N_G + N_t components. With a soft gate all groups' components are computed.
 *
 * @param params - never disposed; only the tailors of groups in the batch need to be there (all, with a soft gate).
 * @param inputs - x f32 [N, H, W, C], t [N], labels [N] in [0, classes]; `classes` is the null label, which uses
 *   learngenes only. Never disposed.
 * @returns f32 [N, H, W, C or 2C], in the order of the inputs, owned by the caller. Differentiable in the parameters
 *   that take part and in x. Throws when inputs do not fit or a group's tailors are not loaded.
 */
export function applyKind(params: KindParams, inputs: DitInputs, options: ApplyKindOptions): tf.Tensor4D {
  checkOptionNames('applyKind', options, ['config', 'dropped']);
  const { config, dropped } = options;
  checkSizes(inputs);
  return applyPlanned(params, inputs, { config, plan: kindBatchPlan(inputs.labels, config, dropped) });
}

/** {@link applyKind} of a batch that is planned already. The inputs are in the order of the batch, not of the plan. */
export function applyPlanned(params: KindParams, inputs: DitInputs, { config, plan }: PlannedBatch): tf.Tensor4D {
  checkSizes(inputs);
  if (config.gate === 'soft') return applySoft(params, inputs, { config, plan });
  return tf.tidy(() => {
    const { order, inverse, labels, activeGroups } = plan;
    const reorder = <T extends tf.Tensor>(rows: T) => (order && inverse ? reorderRows(rows, order, inverse) : rows);
    const embedding = embedLabels(params, labels, { config, groups: activeGroups }); // [N, D]
    const out = applyDit(
      params.shared,
      { x: reorder(inputs.x), t: reorder(inputs.t), labels },
      { config: config.dit, linear: binaryLinear(params, plan), embedLabels: () => embedding },
    );
    return order && inverse ? reorderRows(out, inverse, order) : out;
  });
}

function checkSizes({ x, t, labels }: DitInputs): void {
  if (x.shape[0] === labels.length && t.size === labels.length) return;
  throw new Error(`labels: expected ${x.shape[0]} labels and timesteps, got ${labels.length} and ${t.size}`);
}

/** A configuration and the plan of a batch made for it. */
interface PlannedBatch {
  readonly config: KindConfig;
  readonly plan: BatchPlan;
}

/** The main layers of a batch grouped by class. */
function binaryLinear(params: KindParams, { segments }: BatchPlan): ApplyLinear {
  const ownAt = (name: string) =>
    segments.flatMap(({ start, end, group }) => {
      const factors = group === null ? undefined : subTree<LowRankFactors>(tailorsOf(params, group), name);
      return factors ? [{ start, end, factors }] : [];
    });
  return (_, x, name, epilogue) =>
    groupedLowRank(x, { common: learngenesAt(params, name), segments: ownAt(name), epilogue });
}

function applySoft(
  params: KindParams,
  { x, t, labels: given }: DitInputs,
  { config, plan }: PlannedBatch,
): tf.Tensor4D {
  const { dit, groups } = config;
  return tf.tidy(() => {
    // Grouping gains nothing here: undo the plan's order on the host.
    const unsorted = (values: Int32Array) => (plan.inverse ? plan.inverse.map((at) => values[at]) : values);
    const natural: BatchPlan = { ...plan, labels: unsorted(plan.labels), classes: given, gates: unsorted(plan.gates) };
    const names = groups.map((group) => group.name);
    const alpha = softGate(params, natural, config); // [N, K]
    const embedding = embedLabels(params, natural.labels, { config, groups: names }); // [N, D]
    const linear = withEpilogue((_, input, name) => {
      const tailors = names.map((group) => subTree<LowRankFactors>(tailorsOf(params, group), name));
      return softLowRank(input, learngenesAt(params, name), { tailors, alpha });
    });
    return applyDit(
      params.shared,
      { x, t, labels: natural.labels },
      { config: dit, linear, embedLabels: () => embedding },
    );
  });
}

function learngenesAt(params: KindParams, name: string): FactoredParams {
  const layer = subTree<FactoredParams>(params.learngenes, name);
  if (!layer) throw new Error(`params: expected learngenes at ${name}, got none`);
  return layer;
}
