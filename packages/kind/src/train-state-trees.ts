import { type AdamWState, countParams, type ParamTree, sortParams } from '@learngene/nn';
import type { AnyKindConfig } from './config-types';
import { countKindParams } from './count';
import type { NetworkParams, ParamsOf } from './params';
import { byGroupName, groupToKey } from './tailor-groups';
import type { KindTrainState } from './train-state';

/** How many optimiser steps each parameter group has had. */
export interface GroupSteps {
  /** Of the dense parts that all classes share; none where they are not trained. */
  shared?: number;
  /** Of the learngenes; none where they are not trained. */
  learngenes?: number;
  /** Of the soft gate; none with a binary one. */
  gate?: number;
  /** By group of classes. */
  tailors: Record<string, number>;
}

type Parts = Readonly<Record<string, ParamTree | undefined>>;

/** The tree of a file: groups by their names, written so that they can be a part of a tensor's dotted name. */
function toFileTree(tree: Parts & { tailors?: ParamTree }, { groups }: AnyKindConfig): ParamTree {
  const tailors = groups.flatMap(({ name }) => {
    const own = tree.tailors && Object.hasOwn(tree.tailors, name) ? tree.tailors[name] : undefined;
    return own === undefined ? [] : [[groupToKey(name), own]];
  });
  return { ...tree, tailors: Object.fromEntries(tailors) } as ParamTree;
}

/** A training's state as a checkpoint holds it. */
export interface TrainStateTrees {
  /** Parameters, their moving average, and the moments of AdamW. */
  trees: Record<'params' | 'ema' | 'optimizer', ParamTree>;
  /** The optimiser steps that go with them. */
  steps: GroupSteps;
}

/** The trees of a checkpoint, and the optimiser steps that go with them. */
export function stateToTrees(
  { params, ema, optimizer }: KindTrainState<NetworkParams>,
  config: AnyKindConfig,
): TrainStateTrees {
  const tailors = config.groups.flatMap(({ name }) =>
    Object.hasOwn(optimizer.tailors, name) ? [[name, optimizer.tailors[name]] as const] : [],
  );
  const moments = (state: AdamWState | undefined) => state && { m: state.m, v: state.v };
  const optimizerTree = {
    shared: moments(optimizer.shared),
    learngenes: moments(optimizer.learngenes),
    gate: moments(optimizer.gate),
    tailors: Object.fromEntries(tailors.map(([name, state]) => [name, moments(state) as ParamTree])),
  };
  return {
    trees: {
      params: toFileTree(params as unknown as Parts, config),
      ema: toFileTree(ema as unknown as Parts, config),
      optimizer: toFileTree(optimizerTree, config),
    },
    steps: {
      shared: optimizer.shared?.step,
      learngenes: optimizer.learngenes?.step,
      gate: optimizer.gate?.step,
      tailors: Object.fromEntries(tailors.map(([name, { step }]) => [groupToKey(name), step])),
    },
  };
}

/**
 * The parameters in a tree of a checkpoint. The format before this one, which has groups by place, is read too.
 *
 * @throws Error where the tree is not of the size that the model has.
 */
export function paramsFromTree<C extends AnyKindConfig>(tree: ParamTree, config: C): ParamsOf<C> {
  const expected = countKindParams(config).total;
  const came = countParams(tree);
  if (came !== expected) {
    throw new Error(`checkpoint: expected ${expected} parameters as the model of config.json has, got ${came}`);
  }
  const tailors = byGroupName((tree.tailors ?? {}) as Record<string, ParamTree>, config.groups);
  return { ...tree, tailors } as unknown as ParamsOf<C>;
}

/**
 * The same state with the names of its parameters in one fixed order. The global norm of the gradient sums in the order of
 * the names, and files have another order than a fresh model; without this a resumed run would differ in the last bits.
 */
export function inFixedOrder<P extends NetworkParams>(state: KindTrainState<P>): KindTrainState<P> {
  const params = sortParams(state.params as unknown as ParamTree) as unknown as P;
  return { ...state, params };
}

/**
 * Restores the training state that {@link stateToTrees} took apart. The format before this one, which has groups by
 * place, is read too.
 */
export function stateFromTrees<C extends AnyKindConfig>(
  { trees, steps, step }: { trees: Readonly<Record<string, ParamTree>>; steps: GroupSteps; step: number },
  config: C,
): KindTrainState<ParamsOf<C>> {
  for (const name of ['params', 'ema', 'optimizer']) {
    if (trees[name] === undefined) throw new Error(`checkpoint: expected ${name}.safetensors, got none`);
  }
  const optimizer = trees.optimizer as Record<string, ParamTree>;
  const restored = (tree: ParamTree | undefined, done: number | undefined): AdamWState | undefined =>
    tree === undefined || done === undefined ? undefined : ({ ...tree, step: done } as unknown as AdamWState);
  const moments = byGroupName((optimizer.tailors ?? {}) as Record<string, ParamTree>, config.groups);
  const clocks = byGroupName(steps.tailors, config.groups);
  const tailors = Object.entries(moments).flatMap(([name, tree]) => {
    const state = restored(tree, Object.hasOwn(clocks, name) ? clocks[name] : undefined);
    return state === undefined ? [] : [[name, state]];
  });
  const dense = (['shared', 'learngenes', 'gate'] as const).map((part) => [
    part,
    restored(optimizer[part], steps[part]),
  ]);
  return inFixedOrder({
    step,
    params: paramsFromTree(trees.params, config),
    ema: paramsFromTree(trees.ema, config),
    optimizer: {
      ...Object.fromEntries(dense.filter(([, state]) => state !== undefined)),
      tailors: Object.fromEntries(tailors),
    },
  } as KindTrainState<ParamsOf<C>>);
}
