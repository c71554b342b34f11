import { type ApplyLinear, applyDit, type DitInputs } from '@learngene/dit';
import * as tf from '@tensorflow/tfjs-core';
import { applyGated, type GatedBatch, type GatedLinear } from './apply-gated';
import type { KindConfig } from './config-types';
import { checkOptionNames } from './option-names';
import { embedLabels, type KindParams, type SharedParams } from './params';

/** Settings of {@link applyKind}. */
export interface ApplyKindOptions {
  /** The configuration that the parameters were made for. */
  readonly config: KindConfig;
  /**
   * For every sample, whether its label was dropped (default none). Such a sample gets the null embedding, and
   * `nullGate` decides which gate it has.
   */
  readonly dropped?: ArrayLike<number | boolean>;
}

/**
 * The gated, factored Diffusion Transformer: `applyDit` whose main layers have the weight W_c, the sum of the
 * learngenes and of the tailors that the gate of class c opens (KIND, arXiv 2408.07337, section 3). With a binary gate
 * the batch is grouped by class on the host, with at most one reordering of x, t and the output, and each sample pays
 * for N_G + N_t components. With a soft gate the components of all groups are computed.
 *
 * @param params - never disposed; only the tailors of groups in the batch need to be there (all, with a soft gate).
 * @param inputs - x f32 [N, H, W, C], t [N], labels [N] in [0, classes]; `classes` is the null label, which uses
 *   learngenes only. Never disposed.
 * @returns f32 [N, H, W, C or 2C], in the order of the inputs, owned by the caller. Differentiable in the parameters
 *   that take part and in x.
 * @throws when inputs do not fit or a group's tailors are not loaded
 */
export function applyKind(params: KindParams, inputs: DitInputs, options: ApplyKindOptions): tf.Tensor4D {
  checkOptionNames('applyKind', options, ['config', 'dropped']);
  const { config, dropped } = options;
  checkSizes(inputs);
  return applyGated(params, inputs.labels, { config, ...(dropped && { dropped }) }, (batch) =>
    applyDitGated(params, inputs, { config, batch }),
  );
}

/** {@link applyKind} of a batch whose gates are set. The inputs are in the order of the batch, not of the plan. */
export function applyDitGated(
  params: KindParams,
  inputs: DitInputs,
  { config, batch }: { readonly config: KindConfig; readonly batch: GatedBatch },
): tf.Tensor4D {
  checkSizes(inputs);
  return tf.tidy(() => {
    const { shared, linear, plan, reorder, restore } = batch;
    const groups = config.gate === 'soft' ? config.groups.map((group) => group.name) : plan.activeGroups;
    const embedding = embedLabels(params, plan.labels, { config, groups }); // [N, D]
    const out = applyDit(
      shared as SharedParams,
      { x: reorder(inputs.x), t: reorder(inputs.t), labels: plan.labels },
      {
        config: config.dit,
        linear: ditLinear(linear),
        embedLabels: () => embedding,
      },
    );
    return restore(out);
  });
}

/** The gated layers as `applyDit` calls them: the factors are not in its own tree. */
function ditLinear(linear: GatedLinear): ApplyLinear {
  return Object.assign(((_, x, name, epilogue) => linear(x, name, epilogue)) satisfies ApplyLinear, {
    together: (_: unknown, x: tf.Tensor3D, names: readonly string[]) => linear.together(x, names),
  });
}

function checkSizes({ x, t, labels }: DitInputs): void {
  if (x.shape[0] === labels.length && t.size === labels.length) return;
  throw new Error(`labels: expected ${x.shape[0]} labels and timesteps, got ${labels.length} and ${t.size}`);
}
