import {
  type AdamWState,
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
import { type GatedBatch, gatedBatch, type PlannedBatch } from './apply-gated';
import { kindBatchPlan } from './batch-plan';
import type { AnyKindConfig } from './config-types';
import { checkFlag, checkOptionNames } from './option-names';
import type { KindParams, NetworkParams } from './params';
import type { KindTrainState } from './train-state';
import {
  type KindParameterGroup,
  partialParams,
  type Trainable,
  trainableGroups,
  treeOf,
  withGroups,
} from './trainable';

/**
 * What {@link gatedTrainStep} reads. Nothing of it is disposed, but with the option `donate` the state is overwritten.
 */
export interface GatedTrainInputs<P extends NetworkParams = NetworkParams> {
  /** State before the step. */
  readonly state: KindTrainState<P>;
  /** The model's configuration. */
  readonly config: AnyKindConfig;
  /** [N] class ids of the batch; `classes` of the network is the null label. */
  readonly labels: Int32Array;
  /** For every sample, whether its label is dropped (default none); see `applyGated`. */
  readonly dropped?: ArrayLike<number | boolean>;
  /** Computes the network from the gated batch, and its loss, an f32 scalar. Called once, inside a tidy. */
  readonly loss: (batch: GatedBatch) => tf.Scalar;
}

/** Hyper-parameters of a diversion step. */
export interface KindTrainOptions {
  /** Learning rate of this step. */
  readonly learningRate: number;
  /**
   * Factor on the learning rate of learngenes and tailors, label rows included (default 1). A product of three moving
   * factors takes a larger step than a dense weight, and the more components, the larger the step. Where the loss rises
   * in mid-training at a rate that suits the dense parts, 0.5 keeps that rate for them.
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
  /**
   * Whether the step may overwrite the memory of the state before it (default false). The caller then only disposes
   * that state.
   */
  readonly donate?: boolean;
  /** Weight of ‖UᵀU - I‖² + ‖VᵀV - I‖² summed over the factored layers that train in this batch (default 0). */
  readonly orthogonality?: number;
}

/** What a diversion step returns; the caller owns all that is new. */
export interface KindTrainResult<P extends NetworkParams = KindParams> {
  /** State after the step: new tensors for the active groups, the same tensors for the others. */
  readonly state: KindTrainState<P>;
  /** The loss before the step without the orthogonality penalty, f32. */
  readonly loss: tf.Scalar;
  /** Global norm of the gradients before clipping, f32. */
  readonly gradientNorm: tf.Scalar;
}

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
 * One step of knowledge diversion (KIND, arXiv 2408.07337, algorithm 1) of any network. It takes the gradient of the
 * loss with respect to the trainable parts; of the tailors, only those of the groups in the batch are active. Then it
 * runs AdamW and the moving averages of the active parts. With a soft gate all groups are in every batch.
 *
 * A group that is not in the batch does not change: its parameters, moments, moving average and step count stay. A
 * batch that touches no trainable part (only tailors are trained, and all labels are dropped) changes only the step
 * count.
 *
 * @throws on labels out of range, tailors that are not loaded, and a state made for another `trainable`
 */
export function gatedTrainStep<P extends NetworkParams>(
  inputs: GatedTrainInputs<P>,
  options: KindTrainOptions,
): KindTrainResult<P> {
  checkTrainStep('gatedTrainStep', inputs, options);
  return step(inputs, options, (params, planned) => inputs.loss(gatedBatch(params, planned)));
}

/** Throws on inputs and options of `of` that are unknown, and on those that the optimiser does not check. */
export function checkTrainStep(of: string, inputs: object, options: KindTrainOptions): void {
  checkOptionNames(of, inputs, INPUTS);
  checkOptionNames(of, options, OPTIONS);
  checkFlag('donate', options.donate);
  for (const name of ['factorLearningRateScale', 'orthogonality'] as const) {
    const value = options[name];
    if (value === undefined || (value >= 0 && value < Number.POSITIVE_INFINITY)) continue;
    throw new Error(`${name}: expected a finite number of at least 0, got ${value}`);
  }
}

/** The loss of parameters on a planned batch. */
type PlannedLoss<P> = (params: P, planned: PlannedBatch) => tf.Scalar;

/** A training step. Its loss gets the parameters that are on the tape, and the batch plan. */
export function step<P extends NetworkParams>(
  { state, config, labels, dropped }: Omit<GatedTrainInputs<P>, 'loss'>,
  options: KindTrainOptions,
  loss: PlannedLoss<P>,
): KindTrainResult<P> {
  const plan = kindBatchPlan(labels, config, dropped);
  const groups = config.gate === 'soft' ? config.groups.map((group) => group.name) : plan.activeGroups;
  const trained = trainableGroups(state.params, options.trainable, groups);
  const lossOf = (params: P) => loss(params, { config, plan });
  // The scope looks at all that it returns: not at the whole state, for most groups are not in the batch.
  const result = tf.tidy(() => {
    const { loss: value, grads } = differentiate(state.params, trained, lossOf, options);
    const { groups: stepped, gradientNorm } = stepGroups(state, trained, grads, options);
    return { loss: value, stepped, gradientNorm };
  });
  const { stepped, gradientNorm } = result;
  return { state: stateAfter(state, trained, stepped), loss: result.loss, gradientNorm };
}

/** The loss and its gradient with respect to the parameter groups, at their places in the params. */
function differentiate<P extends NetworkParams>(
  params: P,
  groups: readonly KindParameterGroup[],
  lossOf: (params: P) => tf.Scalar,
  { orthogonality = 0 }: KindTrainOptions,
): { loss: tf.Scalar; grads: NetworkParams } {
  if (groups.length === 0) return { loss: lossOf(params), grads: partialParams([]) };
  const { value, grads, aux } = valueAndGradWithAux((trees: NetworkParams) => {
    const now = groups.map((group) => ({ ...group, params: treeOf(trees, group) }));
    const plain = lossOf(withGroups(params, now));
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
type SteppedGroup = Readonly<{
  params: ParamTree;
  state: AdamWState;
  ema: ParamTree;
}>;

function stepGroups(
  state: KindTrainState<NetworkParams>,
  groups: readonly KindParameterGroup[],
  grads: NetworkParams,
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
 * Only the dense matrices of the shared parts are decayed. Decaying factors would shrink components by the product of
 * three decays; label rows and biases are not decayed in common recipes for DiT either.
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
function stateAfter<P extends NetworkParams>(
  state: KindTrainState<P>,
  groups: readonly KindParameterGroup[],
  stepped: readonly SteppedGroup[],
): KindTrainState<P> {
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

/** The state of the optimiser for a parameter group; zeros for tailors that are active for the first time. */
function optimizerOf(
  { optimizer }: KindTrainState<NetworkParams>,
  { name, part, group, params }: KindParameterGroup,
): AdamWState {
  if (part === 'tailors' || part === 'rows') {
    return Object.hasOwn(optimizer.tailors, group!) ? optimizer.tailors[group!] : initAdamW(params);
  }
  const known = optimizer[part];
  if (!known)
    throw new Error(`state: expected an optimizer state of '${name}'; was it made for another \`trainable\`?`);
  return known;
}
