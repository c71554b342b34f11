import {
  type AdamWState,
  cloneParams,
  initAdamW,
  type ParameterGroup,
  type ParamTree,
  paramLeaves,
  stepParameterGroups,
  valueAndGrad,
} from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import { applyPlanned } from './apply';
import { adapterBatchPlan } from './batch-plan';
import { checkFields } from './core/checks';
import { type AdaptedModel, type AdapterParams, trainableParams } from './model';

/** Everything that a training step reads and replaces. */
export interface AdapterTrainState {
  /** Steps done; 0 at the start. */
  readonly step: number;
  /** The model; its frozen tensors never change. */
  readonly model: AdaptedModel;
  /** Moving averages of the adapters, by group. */
  readonly ema: AdaptedModel['adapters'];
  /**
   * State of AdamW by group. A group that was never in a batch has none. Each group counts only the steps it was in.
   */
  readonly optimizer: Readonly<Record<string, AdamWState>>;
}

/** What a step reads. Nothing of it is disposed, but with the option `donate` the state is overwritten. */
export interface AdapterTrainInputs {
  /** State before the step. */
  readonly state: AdapterTrainState;
  /** [N] class ids of the batch; `classes` is the null label. */
  readonly labels: Int32Array;
  /** For every sample, whether its label is dropped (default none). */
  readonly dropped?: ArrayLike<number | boolean>;
  /**
   * The loss, a scalar. It gets a denoiser, which already knows the labels of the batch and maps x [N, H, W, C] and t
   * [N] to the prediction.
   */
  readonly loss: (denoiser: (x: tf.Tensor4D, t: tf.Tensor1D) => tf.Tensor4D) => tf.Scalar;
}

/** Hyper-parameters of a step. */
export interface AdapterTrainOptions {
  /** Learning rate of this step. */
  readonly learningRate: number;
  /** AdamW's decays (default [0.9, 0.999]). */
  readonly betas?: readonly [number, number];
  /** Decoupled weight decay of what is trained (default 0). */
  readonly weightDecay?: number;
  /** Largest global norm of the gradients of all groups together (default: no clipping). */
  readonly clipNorm?: number;
  /** Decay of the moving averages in [0, 1) (default 0.9999). */
  readonly emaDecay?: number;
  /**
   * Whether the step may overwrite the memory of the state before it (default false). The caller then only disposes
   * that state.
   */
  readonly donate?: boolean;
}

/** What a step returns; the caller owns all that is new. */
export interface AdapterTrainResult {
  /** State after the step: new tensors for groups in the batch, the same tensors for the others. */
  readonly state: AdapterTrainState;
  /** The loss before the step, f32. */
  readonly loss: tf.Scalar;
  /** Global norm of the gradients before clipping, f32. */
  readonly gradientNorm: tf.Scalar;
}

/**
 * The state before the first step. It holds the given model itself, no copy. The moving averages start at the adapters.
 */
export function initAdapterTraining(model: AdaptedModel): AdapterTrainState {
  return { step: 0, model, ema: cloneParams(model.adapters as Adapters), optimizer: {} };
}

type Adapters = Record<string, AdapterParams>;

const OPTIONS = ['learningRate', 'betas', 'weightDecay', 'clipNorm', 'emaDecay', 'donate'];

/**
 * One AdamW step of the adapters of the groups in the batch; it is the same for every method. A group that is not in
 * the batch does not change, nor do its moments and moving average, as in `kindTrainStep` of @learngene/kind. A batch
 * without any group (all labels dropped, nullGate 'base') changes only the step count.
 *
 * @throws on labels out of range and adapters that are missing
 */
export function adapterTrainStep(inputs: AdapterTrainInputs, options: AdapterTrainOptions): AdapterTrainResult {
  checkFields('adapterTrainStep', inputs, ['state', 'labels', 'dropped', 'loss']);
  checkFields('adapterTrainStep', options, OPTIONS);
  const { state, labels, dropped, loss } = inputs;
  const { model } = state;
  const plan = adapterBatchPlan(labels, model.config, dropped);
  const { activeGroups } = plan;
  const lossOf = (adapters: Adapters) => {
    const now = { ...model, adapters: { ...model.adapters, ...adapters } };
    return loss((x, t) => applyPlanned(now, { x, t, labels }, plan));
  };
  const before = trainableParams(model, activeGroups);
  const { learningRate, betas, weightDecay = 0, emaDecay = 0.9999, clipNorm, donate } = options;
  const rates = { learningRate, weightDecay, ...(betas && { betas }), emaDecay, clipNorm, donate };
  const { value, trained, gradientNorm } = tf.tidy(() => {
    const inert = activeGroups.length === 0;
    const { value, grads } = inert ? { value: lossOf({}), grads: {} } : valueAndGrad(lossOf, before);
    const groups = activeGroups.map((name) => parameterGroup(state, name, grads[name]));
    const { groups: trained, gradientNorm } = stepParameterGroups(groups, rates);
    return { value, trained, gradientNorm };
  });
  const by = <T>(f: (part: (typeof trained)[number]) => T) =>
    Object.fromEntries(trained.map((p, i) => [activeGroups[i], f(p)]));
  return {
    state: {
      step: state.step + 1,
      model: { ...model, adapters: { ...model.adapters, ...by((part) => part.params) } },
      ema: { ...state.ema, ...by((part) => part.ema) },
      optimizer: { ...state.optimizer, ...by((part) => part.state) },
    },
    loss: value,
    gradientNorm,
  };
}

/** A group's adapter as a parameter group of the optimiser. */
function parameterGroup(
  { model, ema, optimizer }: AdapterTrainState,
  name: string,
  grads: AdapterParams,
): ParameterGroup<AdapterParams> {
  const params = model.adapters[name];
  const state = (Object.hasOwn(optimizer, name) ? optimizer[name] : initAdamW(params)) as AdamWState<AdapterParams>;
  return { params, grads, state, ema: ema[name] };
}

/** Disposes every tensor of `before` that is not in `after`: what a step has replaced. */
export function disposeReplacedAdapters(before: AdapterTrainState, after: AdapterTrainState): void {
  const kept = tensorsOf(after);
  for (const tensor of tensorsOf(before)) if (!kept.has(tensor) && !tensor.isDisposed) tensor.dispose();
}

/** Disposes every tensor of a state: the model (its frozen part too), moving averages, optimiser. */
export function disposeAdapterTraining(state: AdapterTrainState): void {
  for (const tensor of tensorsOf(state)) if (!tensor.isDisposed) tensor.dispose();
}

function tensorsOf({ model, ema, optimizer }: AdapterTrainState): Set<tf.Tensor> {
  const moments = Object.values(optimizer).flatMap(({ m, v }) => [m, v]);
  const trees: ParamTree[] = [model.frozen, model.adapters, ema, ...moments];
  return new Set(trees.flatMap((tree) => paramLeaves(tree)));
}
