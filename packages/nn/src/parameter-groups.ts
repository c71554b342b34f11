import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { type AdamWEmaOptions, type AdamWEmaResult, stepAttrs } from './adamw-ema-options';
import { globalNorm } from './clip';
import { checkCount, checkFunction, checkNumber, checkOptions } from './core/check';
import { type GroupSettings, type ParameterGroup, stepGroup } from './step-group';
import { type ParamTree, paramLeaves } from './tree';

/** What {@link stepParameterGroups} returns. */
export interface ParameterGroupsResult<P extends ParamTree = ParamTree> {
  /** Every group after the step, in the order given. A skipped group has the same objects as before. */
  readonly groups: AdamWEmaResult<P>[];
  /** Global norm of the gradients of all groups together before clipping, f32; 0 if every group is skipped. */
  readonly gradientNorm: Scalar;
}

const SETTINGS = ['learningRateScale', 'weightDecay'];
const GROUP_FIELDS = ['name', 'params', 'grads', 'state', 'ema', 'leaves', ...SETTINGS];

/**
 * One optimiser step of several parameter groups: clips the gradients of all groups by their common norm (torch's
 * `clip_grad_norm_`), then runs AdamW and the moving average of every group with its own learning rate, weight decay
 * and step count. A group without gradients keeps its parameters, moments, average and step count, as a parameter whose
 * `grad` is None does in `torch.optim.AdamW`. On a backend with the kernel, a group costs one kernel call for each
 * distinct pair of learning rate and weight decay in it.
 *
 * @returns New tensors for each group that has gradients, and the norm. The caller owns them and disposes the old ones.
 * @throws Error if the trees of a group differ in leaves or shapes, a parameter comes twice, a setting is out of range, or
 *   a field is unknown.
 */
export function stepParameterGroups<P extends ParamTree>(
  groups: readonly ParameterGroup<P>[],
  options: AdamWEmaOptions,
): ParameterGroupsResult<P> {
  const attrs = stepAttrs(options);
  const seen = new Set<Tensor>();
  const nameOf = (i: number) => groups[i]?.name ?? `groups[${i}]`;
  for (const [i, group] of groups.entries()) checkGroup(nameOf(i), group, seen);
  const gradientNorm = globalNorm(Object.fromEntries(groups.map(({ grads }, i) => [i, grads])));
  const norm = options.clipNorm === undefined ? undefined : gradientNorm;
  return {
    groups: groups.map((group, i) => stepGroup(group, { attrs, norm, at: `${nameOf(i)}.` })),
    gradientNorm,
  };
}

function checkGroup(name: string, group: ParameterGroup, seen: Set<Tensor>): void {
  checkOptions(group, GROUP_FIELDS, name);
  checkSettings(name, group);
  checkCount(`${name}.state.step`, group.state.step, 0);
  for (const [i, settings] of (group.leaves ?? []).entries()) {
    checkOptions(settings, ['includes', ...SETTINGS], `${name}.leaves[${i}]`);
    checkSettings(`${name}.leaves[${i}]`, settings);
    checkFunction(`${name}.leaves[${i}].includes`, settings.includes);
  }
  for (const leaf of paramLeaves(group.params)) {
    if (seen.has(leaf)) throw new Error(`${name}.params: expected each parameter once, got one a second time`);
    seen.add(leaf);
  }
}

function checkSettings(name: string, { learningRateScale, weightDecay }: GroupSettings): void {
  if (learningRateScale !== undefined) checkNumber(`${name}.learningRateScale`, learningRateScale, 0);
  if (weightDecay !== undefined) checkNumber(`${name}.weightDecay`, weightDecay, 0);
}
