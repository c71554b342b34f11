import { type ApplyLinear, applyDit, type DitInputs, embedClasses, withEpilogue } from '@learngene/dit';
import { applyLinear, type BatchPlan, type GroupSegment, type LinearParams, reorderRows } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import { adapterBatchPlan } from './batch-plan';
import { layerConfig } from './core/layer-settings';
import type { LayerMethod } from './core/method';
import type { LayerSegment } from './core/segments';
import { type Leaves, overlay, subTree } from './core/trees';
import { type AdapterConfig, methodOf } from './methods';
import { type AdaptedModel, adapterOf, type FrozenParams } from './model';

/** Settings of {@link applyAdapted}. */
export interface ApplyAdaptedOptions {
  /**
   * For every sample, whether its label was dropped (default none). Such a sample gets the null embedding, and
   * `nullGate` decides whether it keeps its adapter. For the unconditional branch of guidance drop all labels, rather
   * than pass null labels: 'own-class' needs the class.
   */
  readonly dropped?: ArrayLike<number | boolean>;
}

/**
 * The adapted DiT: `applyDit` with the method's linear layers, each sample with the adapter of its class.
 *
 * The batch is grouped by adapter on the host, with at most one reordering of x, t and the output. Each sample pays for
 * one adapter, whatever the number of groups. Some methods form weights first (LoHa's update, DoRA's norms, OFT's
 * rotations); they are formed once for each group in the batch.
 *
 * @param model - never disposed; only adapters of groups in the batch need to be there.
 * @param inputs - x f32 [N, H, W, C], t [N], labels [N] in [0, classes]; `classes` is the null label. Never disposed.
 * @returns f32 [N, H, W, C or 2C], in the order of the inputs, owned by the caller. Differentiable in the adapters that
 *   take part, the frozen tensors and x.
 * @throws when inputs do not fit or an adapter is missing
 */
export function applyAdapted(
  model: AdaptedModel,
  inputs: DitInputs,
  { dropped }: ApplyAdaptedOptions = {},
): tf.Tensor4D {
  checkSizes(inputs);
  return applyPlanned(model, inputs, adapterBatchPlan(inputs.labels, model.config, dropped));
}

/** {@link applyAdapted} to a batch that is planned already. The inputs are in the order of the batch, not of the plan. */
export function applyPlanned(model: AdaptedModel, inputs: DitInputs, plan: BatchPlan): tf.Tensor4D {
  checkSizes(inputs);
  return tf.tidy(() => {
    const { order, inverse } = plan;
    const reorder = <T extends tf.Tensor>(rows: T) => (order && inverse ? reorderRows(rows, order, inverse) : rows);
    const planned = { x: reorder(inputs.x), t: reorder(inputs.t), labels: plan.labels };
    const method = methodOf(model.config.adapter);
    const out = method.kind === 'layer' ? applyLayers(model, planned, plan) : applyOverlays(model, planned, plan);
    return order && inverse ? reorderRows(out, inverse, order) : out;
  });
}

function checkSizes({ x, t, labels }: DitInputs): void {
  if (x.shape[0] === labels.length && t.size === labels.length) return;
  throw new Error(`labels: expected ${x.shape[0]} labels and timesteps, got ${labels.length} and ${t.size}`);
}

/** One pass of the whole batch through layers that know their segments. */
function applyLayers(model: AdaptedModel, inputs: DitInputs, plan: BatchPlan): tf.Tensor4D {
  const { config, frozen } = model;
  return applyDit(frozen, inputs, {
    config: config.dit,
    linear: adaptedLinear(model, plan.segments),
    embedLabels: (ids) =>
      embedClasses(ids, {
        groups: config.groups,
        active: plan.activeGroups,
        rowsOf: (name) => adapterOf(model.adapters, name).label.rows,
        nullRow: frozen.label.null,
      }),
  });
}

/** One pass for each segment, with the tensors of its group in place of the base's. */
function applyOverlays({ config, frozen, adapters }: AdaptedModel, inputs: DitInputs, plan: BatchPlan): tf.Tensor4D {
  const parts = plan.segments.map(({ start, end, group }) => {
    const whole = plan.segments.length === 1;
    const rows = <T extends tf.Tensor>(all: T): T => (whole ? all : tf.slice(all, start, end - start)) as T;
    const own = group === null ? {} : adapterOf(adapters, group).layers;
    const params = overlay(frozen, own) as FrozenParams;
    return applyDit(
      params,
      { x: rows(inputs.x), t: rows(inputs.t), labels: inputs.labels.slice(start, end) },
      {
        config: config.dit,
        embedLabels: (ids) =>
          embedClasses(ids, {
            groups: config.groups,
            active: group === null ? [] : [group],
            rowsOf: (name) => adapterOf(adapters, name).label.rows,
            nullRow: params.label.null,
          }),
      },
    );
  });
  return parts.length === 1 ? parts[0] : tf.concat(parts, 0);
}

/**
 * Makes the `linear` argument of `applyDit` for an adapted model and a batch whose samples are grouped.
 *
 * @throws for a method that replaces whole weights (full, BitFit, Heur-LG, Auto-LG): it has no function of a layer
 *
 * @param segments - runs of samples and their group (null: the base model), ascending, covering the batch.
 */
export function adaptedLinear(model: AdaptedModel, segments: readonly Omit<GroupSegment, 'groups'>[]): ApplyLinear {
  const { config, frozen, adapters } = model;
  const method = methodOf(config.adapter);
  if (method.kind === 'overlay') throw new Error(`method: '${config.adapter.method}' replaces weights, not layers`);
  const layered: LayerMethod<AdapterConfig> = method;
  return withEpilogue((_, x, name) => {
    const layer = subTree<Leaves>(frozen, name)!;
    const settings = layerConfig(config.adapter, name);
    if (!settings) return applyLinear(layer as LinearParams, x) as tf.Tensor3D;
    const own = segments.map(({ start, end, group }): LayerSegment => {
      if (group === null) return { start, end };
      const leaves = subTree<Leaves>(adapterOf(adapters, group).layers, name);
      if (!leaves) throw new Error(`adapters: expected tensors of '${group}' at ${name}, got none`);
      return { start, end, leaves };
    });
    return layered.apply(x, layer, own, settings);
  });
}
