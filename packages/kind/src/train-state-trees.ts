import { type AdamWState, countParams, type ParamTree, sortParams } from '@learngene/nn';
import type { KindConfig } from './config';
import { countKind } from './count';
import type { KindParams } from './params';
import type { KindTrainState } from './train-state';

/** How many optimiser steps each piece has had. */
export interface PieceSteps {
  shared?: number;
  learngenes?: number;
  gate?: number;
  tailors: Record<string, number>;
}

type Pieces = Readonly<Record<string, ParamTree | undefined>>;

/** In files a group is called by its place, because its name may hold any characters. */
const groupKey = (place: number) => `g${place}`;

function withKeys(tree: Pieces & { tailors?: ParamTree }, config: KindConfig): ParamTree {
  const tailors: Record<string, ParamTree> = {};
  config.groups.forEach(({ name }, place) => {
    const own = tree.tailors?.[name];
    if (own !== undefined) tailors[groupKey(place)] = own as ParamTree;
  });
  return { ...tree, tailors } as ParamTree;
}

function withNames(tree: ParamTree, config: KindConfig): KindParams {
  const keyed = (tree.tailors ?? {}) as Record<string, ParamTree>;
  const tailors: Record<string, ParamTree> = {};
  config.groups.forEach(({ name }, place) => {
    const own = keyed[groupKey(place)];
    if (own !== undefined) tailors[name] = own;
  });
  return { ...tree, tailors } as unknown as KindParams;
}

function moments(state: AdamWState | undefined): ParamTree | undefined {
  return state && { m: state.m, v: state.v };
}

/** The trees of a checkpoint, and the optimiser steps that go with them. */
export function stateToTrees(
  { params, ema, optimizer }: KindTrainState,
  config: KindConfig,
): { trees: Record<'params' | 'ema' | 'optimizer', ParamTree>; steps: PieceSteps } {
  const tailorMoments: Record<string, ParamTree | undefined> = {};
  const steps: PieceSteps = {
    shared: optimizer.shared?.step,
    learngenes: optimizer.learngenes?.step,
    gate: optimizer.gate?.step,
    tailors: {},
  };
  config.groups.forEach(({ name }, place) => {
    const state = optimizer.tailors[name];
    if (state === undefined) return;
    tailorMoments[name] = moments(state);
    steps.tailors[groupKey(place)] = state.step;
  });
  const optimizerTree = {
    shared: moments(optimizer.shared),
    learngenes: moments(optimizer.learngenes),
    gate: moments(optimizer.gate),
    tailors: tailorMoments as ParamTree,
  };
  return {
    trees: {
      params: withKeys(params as unknown as Pieces, config),
      ema: withKeys(ema as unknown as Pieces, config),
      optimizer: withKeys(optimizerTree, config),
    },
    steps,
  };
}

/**
 * Parameters of a checkpoint's tree.
 *
 * @throws Error where the tree is not of the size that the model has
 */
export function paramsFromTree(tree: ParamTree, config: KindConfig): KindParams {
  const expected = countKind(config).params.total;
  const came = countParams(tree);
  if (came !== expected) {
    throw new Error(`checkpoint: expected ${expected} parameters as the model of config.json has, got ${came}`);
  }
  return withNames(tree, config);
}

/**
 * The same state with the names of its parameters in one fixed order. The global norm of the gradient sums in the order of
 * the names, and files have another order than a fresh model; without this a resumed run would differ in the last bits.
 */
export function inFixedOrder(state: KindTrainState): KindTrainState {
  const params = sortParams(state.params as unknown as ParamTree) as unknown as KindParams;
  return { ...state, params };
}

/** The training state that {@link stateToTrees} took apart. */
export function stateFromTrees(
  { trees, steps, step }: { trees: Readonly<Record<string, ParamTree>>; steps: PieceSteps; step: number },
  config: KindConfig,
): KindTrainState {
  for (const name of ['params', 'ema', 'optimizer']) {
    if (trees[name] === undefined) throw new Error(`checkpoint: expected ${name}.safetensors, got none`);
  }
  const optimizer = trees.optimizer as Record<string, ParamTree>;
  const piece = (tree: ParamTree | undefined, done: number | undefined): AdamWState | undefined =>
    tree === undefined || done === undefined ? undefined : ({ ...tree, step: done } as unknown as AdamWState);
  const tailors: Record<string, AdamWState> = {};
  config.groups.forEach(({ name }, place) => {
    const key = groupKey(place);
    const state = piece((optimizer.tailors as Record<string, ParamTree> | undefined)?.[key], steps.tailors[key]);
    if (state !== undefined) tailors[name] = state;
  });
  const dense = (['shared', 'learngenes', 'gate'] as const).map((name) => [name, piece(optimizer[name], steps[name])]);
  return inFixedOrder({
    step,
    params: paramsFromTree(trees.params, config),
    ema: paramsFromTree(trees.ema, config),
    optimizer: { ...Object.fromEntries(dense.filter(([, state]) => state !== undefined)), tailors },
  } as KindTrainState);
}
