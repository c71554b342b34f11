import {
  type AdamWState,
  type BatchPlan,
  type GroupSettings,
  initAdamW,
  type LeafSettings,
  type ParamTree,
  stepParameterGroups,
  sumTensors,
  valueAndGradWithAux,
} from '@learngene/nn';
import { type FactoredParams, orthogonalityPenalty } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { applyPlanned } from './apply';
import { kindBatchPlan } from './batch-plan';
import type { KindConfig } from './config';
import { checkFlag, checkOptionNames } from './option-names';
import type { KindParams } from './params';
import type { KindTrainState } from './train-state';
import {
  type KindParameterGroup,
  partialParams,
  type Trainable,
  trainableGroups,
  treeOf,
  withGroups,
} from './trainable';

/** What a diversion step reads; nothing of it is disposed. With the option `donate` the state is written over. */
export type KindTrainInputs = {
  /** State before the step. */
  readonly state: KindTrainState;
  /** The model's configuration. */
  readonly config: KindConfig;
  /** [N] class ids of the batch; `dit.classes` is the null label. */
  readonly labels: Int32Array;
  /** For every sample, whether its label is dropped (default none); see `applyKind`. */
  readonly dropped?: ArrayLike<number | boolean>;
  /** The loss of a denoiser whose labels are the batch's: x [N, H, W, C] and t [N] to the prediction. */
  readonly loss: (denoiser: (x: tf.Tensor4D, t: tf.Tensor1D) => tf.Tensor4D) => tf.Scalar;
};

/** Hyper-parameters of a diversion step. */
export type KindTrainOptions = {
  /** Learning rate of this step. */
  readonly learningRate: number;
  /**
   * Factor on the learning rate of learngenes and tailors, label rows included (default 1). The product of
   * three factors that all move takes a larger step than a dense weight does, the more so the more components there are:
   * where the loss rises in mid-training at a rate that suits the dense parts, 0.5 keeps both.
   */
  readonly factorLearningRateScale?: number;
  /** Which parts change; as given to `initKindTraining`. */
  readonly trainable: Trainable;
  /** AdamW's decays (default [0.9, 0.999]). */
  readonly betas?: readonly [number, number];
  /** Decoupled decay of the dense matrices of the shared parts; nothing else is ever decayed (default 0). */
  readonly weightDecay?: number;
  /** Largest global norm of the gradients of all parameter groups together (default: no clipping). */
  readonly clipNorm?: number;
  /** Decay of the moving averages in [0, 1) (default 0.9999). */
  readonly emaDecay?: number;
  /** Whether the memory of the state before may be written over; the caller then only disposes it (default false). */
  readonly donate?: boolean;
  /** Weight of ‖UᵀU - I‖² + ‖VᵀV - I‖² summed over the factored layers that train in this batch (default 0). */
  readonly orthogonality?: number;
};

/** What a diversion step returns; the caller owns all that is new. */
export type KindTrainResult = {
  /** State after the step: new tensors for what was active, the same tensors for all else. */
  readonly state: KindTrainState;
  /** The loss before the step without the orthogonality penalty, f32. */
  readonly loss: tf.Scalar;
  /** Global norm of the gradients before clipping, f32. */
  readonly gradientNorm: tf.Scalar;
};

const INPUTS = ['state', 'config', 'labels', 'dropped', 'loss'];
const RATES = [
  'learningRate',
  'factorLearningRateScale',
  'betas',
  'weightDecay',
  'clipNorm',
  'emaDecay',
  'orthogonality',
];
const OPTIONS = [...RATES, 'trainable', 'donate'];

/**
 * One step of knowledge diversion (KIND, arXiv 2408.07337, algorithm 1): the loss's gradient with respect to the
 * trainable parts, of the tailors only those of the groups in the batch, then AdamW and moving averages of just these.
 * With a soft gate all groups are in every batch.
 *
 * A group that is not in the batch is left alone altogether: parameters, moments, step count, and its moving average,
 * whose clock is the group's own. A batch that touches no trainable part (all labels dropped, tailors alone trained)
 * changes nothing but the step count.
 *
 * Throws on labels out of range, tailors that are not loaded, and a state made for another `trainable`.
 */
export function kindTrainStep(inputs: KindTrainInputs, options: KindTrainOptions): KindTrainResult {
  checkOptionNames('kindTrainStep', inputs, INPUTS);
  checkOptionNames('kindTrainStep', options, OPTIONS);
  checkFlag('donate', options.donate);
  const { state, config, labels, dropped } = inputs;
  for (const name of ['factorLearningRateScale', 'orthogonality'] as const) {
    const value = options[name];
    if (value === undefined || (value >= 0 && value < Number.POSITIVE_INFINITY)) continue;
    throw new Error(`${name}: expected a finite number of at least 0, got ${value}`);
  }
  const plan = kindBatchPlan(labels, config, dropped);
  const groups = config.gate === 'soft' ? config.groups.map((group) => group.name) : plan.activeGroups;
  const trained = trainableGroups(state.params, options.trainable, groups);
  // The scope looks at all that it returns: not at the whole state, for most groups are not in the batch.
  const { loss, stepped, gradientNorm } = tf.tidy(() => {
    const { loss, grads } = differentiate(inputs, options, { groups: trained, plan });
    const { groups: stepped, gradientNorm } = stepGroups(state, trained, grads, options);
    return { loss, stepped, gradientNorm };
  });
  return { state: stateAfter(state, trained, stepped), loss, gradientNorm };
}

/** The loss and its gradient with respect to the parameter groups, at their places in the params. */
function differentiate(
  { state, config, labels, loss }: KindTrainInputs,
  { orthogonality = 0 }: KindTrainOptions,
  { groups, plan }: { groups: readonly KindParameterGroup[]; plan: BatchPlan },
): { loss: tf.Scalar; grads: KindParams } {
  const lossOf = (params: KindParams) => loss((x, t) => applyPlanned(params, { x, t, labels }, { config, plan }));
  if (groups.length === 0) return { loss: lossOf(state.params), grads: partialParams([]) };
  const { value, grads, aux } = valueAndGradWithAux((trees: KindParams) => {
    const now = groups.map((group) => ({ ...group, params: treeOf(trees, group) }));
    const plain = lossOf(withGroups(state.params, now));
    if (orthogonality === 0) return { value: plain, aux: { plain } };
    return { value: tf.add(plain, tf.mul(orthogonality, penaltyOf(now))) as tf.Scalar, aux: { plain } };
  }, partialParams(groups));
  value.dispose();
  return { loss: aux.plain, grads };
}

/** Whether a parameter group consists of factored layers, with their biases or label rows. */
const isFactored = ({ part }: KindParameterGroup) => part === 'learngenes' || part === 'tailors';

function penaltyOf(groups: readonly KindParameterGroup[]): tf.Tensor {
  const layers = groups.filter(isFactored).flatMap(({ params }) => factorsIn(params));
  return layers.length === 0 ? tf.scalar(0) : sumTensors(layers.map(orthogonalityPenalty));
}

/** The factored layers in a tree: its sub-trees with leaves u, s and v. */
function factorsIn(tree: ParamTree): FactoredParams[] {
  if (tree.u instanceof tf.Tensor) return [tree as unknown as FactoredParams];
  return Object.values(tree).flatMap((node) => (node && !(node instanceof tf.Tensor) ? factorsIn(node) : []));
}

/** A parameter group after clipping, AdamW and its moving average. */
type SteppedGroup = { readonly params: ParamTree; readonly state: AdamWState; readonly ema: ParamTree };

function stepGroups(
  state: KindTrainState,
  groups: readonly KindParameterGroup[],
  grads: KindParams,
  options: KindTrainOptions,
): { readonly groups: SteppedGroup[]; readonly gradientNorm: tf.Scalar } {
  const { learningRate, betas, weightDecay = 0, clipNorm, emaDecay = 0.9999, donate } = options;
  return stepParameterGroups(
    groups.map((group) => ({
      name: group.name,
      params: group.params,
      grads: treeOf(grads, group),
      state: optimizerOf(state, group),
      ema: treeOf(state.ema, group),
      ...settingsOf(group, options),
    })),
    { learningRate, ...(betas && { betas }), weightDecay, emaDecay, clipNorm, donate },
  );
}

/**
 * Weight decay is for the dense matrices of the shared parts alone: decaying factors would shrink components by the product
 * of three decays, and label rows and biases are not decayed by DiT's kind of recipe either.
 */
function settingsOf(
  group: KindParameterGroup,
  { factorLearningRateScale, weightDecay }: KindTrainOptions,
): GroupSettings & { readonly leaves?: readonly LeafSettings[] } {
  if (isFactored(group)) return { learningRateScale: factorLearningRateScale, weightDecay: 0 };
  if (group.part !== 'shared') return { weightDecay: 0 };
  return { weightDecay: 0, leaves: [{ includes: (name) => name.endsWith('.weight'), weightDecay }] };
}

/** The state with the parameter groups that were stepped in place of its own. */
function stateAfter(
  state: KindTrainState,
  groups: readonly KindParameterGroup[],
  stepped: readonly SteppedGroup[],
): KindTrainState {
  const tailors = { ...state.optimizer.tailors };
  const dense: { [part: string]: AdamWState } = {};
  for (const [i, { part, group }] of groups.entries()) {
    if (group === undefined) dense[part] = stepped[i].state;
    else tailors[group] = stepped[i].state;
  }
  const now = (tree: 'params' | 'ema') => groups.map((group, i) => ({ ...group, params: stepped[i][tree] }));
  return {
    step: state.step + 1,
    params: withGroups(state.params, now('params')),
    ema: withGroups(state.ema, now('ema')),
    optimizer: { ...state.optimizer, ...dense, tailors },
  };
}

/** The optimiser's state of a parameter group; zeros for tailors that are active for the first time. */
function optimizerOf({ optimizer }: KindTrainState, { name, part, group, params }: KindParameterGroup): AdamWState {
  if (part === 'tailors') {
    return Object.hasOwn(optimizer.tailors, group!) ? optimizer.tailors[group!] : initAdamW(params);
  }
  const known = optimizer[part];
  if (!known)
    throw new Error(`state: expected an optimizer state of '${name}'; was it made for another \`trainable\`?`);
  return known;
}
