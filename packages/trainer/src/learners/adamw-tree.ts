import {
  type AdamWState,
  arrangeParams,
  cloneParams,
  disposeParams,
  disposeReplacedParams,
  initAdamW,
  type LeafSettings,
  type ParamTree,
  sortParams,
  stepParameterGroups,
  valueAndGrad,
} from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { LearnerState, StepOptions } from '../contracts/learner';

/** A tree of parameters in training. All leaves are trained and share one step count. */
export interface TreeState {
  /** Parameters. */
  readonly params: ParamTree;
  /** Moving averages of the parameters. */
  readonly ema: ParamTree;
  /** AdamW's moments and steps. */
  readonly optimizer: AdamWState;
}

/** The state before the first step; it owns `params`. */
export function freshTree(params: ParamTree): TreeState {
  return { params, ema: cloneParams(params), optimizer: initAdamW(params) };
}

/** Disposes every tensor of a state. */
export function disposeTree({ params, ema, optimizer }: TreeState): void {
  disposeParams({ params, ema, m: optimizer.m as ParamTree, v: optimizer.v as ParamTree });
}

function treesIn({ params, ema, optimizer }: TreeState): ParamTree[] {
  return [params, ema, optimizer.m, optimizer.v];
}

/** How {@link stepTree} steps, besides what the schedule decides. */
export interface TreeStepOptions extends StepOptions {
  /** Leaves with a learning rate or a weight decay of their own; all others have the step's rate and no decay. */
  readonly leaves?: readonly LeafSettings[];
  /** Whether the step may overwrite the memory of the state before it. */
  readonly donate?: boolean;
}

/** Result of {@link stepTree}; the caller owns it. */
export interface TreeStep {
  /** The state after the step. */
  readonly state: TreeState;
  /** The loss before the step, f32. */
  readonly loss: tf.Scalar;
  /** Global norm of the gradient before clipping, f32. */
  readonly gradientNorm: tf.Scalar;
}

/**
 * One step of AdamW on a tree by the gradient of a loss. It disposes the state before.
 *
 * @returns the state after the step, the loss before it and the norm of its gradient; the caller owns them
 */
export function stepTree(
  { params, ema, optimizer }: TreeState,
  loss: (params: ParamTree) => tf.Scalar,
  { learningRate, emaDecay, clipNorm, leaves, donate }: TreeStepOptions,
): TreeStep {
  const { after, value, norm } = tf.tidy(() => {
    const { value, grads } = valueAndGrad(loss, params);
    const { groups, gradientNorm } = stepParameterGroups(
      [{ params, grads, state: optimizer, ema, ...(leaves && { leaves }) }],
      { learningRate, weightDecay: 0, emaDecay, clipNorm, ...(donate !== undefined && { donate }) },
    );
    return { after: groups[0], value, norm: gradientNorm };
  });
  const state = { params: after.params, ema: after.ema, optimizer: after.state };
  disposeReplacedParams(treesIn({ params, ema, optimizer }), treesIn(state));
  return { state, loss: value, gradientNorm: norm };
}

/** A state as a checkpoint keeps it. */
export function treeToState({ params, ema, optimizer }: TreeState): LearnerState {
  const { m, v, step } = optimizer;
  return { step, trees: { params, ema, optimizer: { m, v } as ParamTree } };
}

/** The trees of a state by name; throws where one is missing. */
export function treesOf({ trees }: LearnerState): Record<'params' | 'ema' | 'optimizer', ParamTree> {
  for (const name of ['params', 'ema', 'optimizer']) {
    if (trees[name] === undefined) throw new Error(`state: expected the tree ${name}, got none`);
  }
  return trees as Record<'params' | 'ema' | 'optimizer', ParamTree>;
}

/**
 * Restores the state that {@link treeToState} took apart. The parameters get the order that they had, because the norm
 * of the gradient sums in this order.
 *
 * @param like The state that it replaces; where there is none, the parameters are in the order of `sortParams`.
 * @throws Error where a tree is missing, or does not fit `like`
 */
export function treeFromState(state: LearnerState, like?: TreeState): TreeState {
  const { params, ema, optimizer } = treesOf(state);
  return {
    params: like ? arrangeParams(like.params, params, 'state.params') : sortParams(params),
    ema,
    optimizer: { ...optimizer, step: state.step } as unknown as AdamWState,
  };
}
