import {
  type AdamWState,
  cloneParams,
  disposeReplacedParams,
  initAdamW,
  type ParamTree,
  paramLeaves,
} from '@learngene/nn';
import type { Tensor } from '@tensorflow/tfjs-core';
import { checkOptionNames } from './option-names';
import type { KindParams, NetworkParams } from './params';
import { type Trainable, trainableGroups, withGroups } from './trainable';

/** State of AdamW by parameter group. A frozen group has no entry, nor has one that was never in a batch. */
export interface KindOptimizerState {
  /** Dense parts. */
  readonly shared?: AdamWState;
  /** Learngenes. */
  readonly learngenes?: AdamWState;
  /** Soft gate. */
  readonly gate?: AdamWState;
  /** By group name. Each group counts only the steps in which it was active. */
  readonly tailors: Readonly<Record<string, AdamWState>>;
}

/** Everything that a diversion step reads and replaces. */
export interface KindTrainState<P extends NetworkParams = KindParams> {
  /** Steps done; 0 at the start. */
  readonly step: number;
  /** Parameters. */
  readonly params: P;
  /** Moving averages of the trained parameters; frozen leaves are the same tensors as in `params`. */
  readonly ema: P;
  /** Optimiser. */
  readonly optimizer: KindOptimizerState;
}

/** Options of {@link initKindTraining}. */
export interface InitKindTrainingOptions {
  /** Which parts the training changes; the same for every step. */
  readonly trainable: Trainable;
}

/**
 * The state before the first step. It holds the given tensors themselves, and {@link disposeReplaced} and {@link
 * disposeKindTraining} dispose them; pass `cloneParams(params)` to keep the initial parameters. The moving averages
 * start at the parameters; the optimiser's zeros are new tensors. A group's optimiser state appears with its first
 * batch.
 *
 * @throws on an unknown `trainable`
 */
export function initKindTraining<P extends NetworkParams>(
  params: P,
  options: InitKindTrainingOptions,
): KindTrainState<P> {
  checkOptionNames('initKindTraining', options, ['trainable']);
  const { trainable } = options;
  const groups = trainableGroups(params, trainable, Object.keys(params.tailors));
  const ema = withGroups(
    params,
    groups.map((group) => ({ ...group, params: cloneParams(group.params) })),
  );
  const dense = groups.filter(({ group }) => group === undefined);
  const states = Object.fromEntries(dense.map(({ part, params: own }) => [part, initAdamW(own)]));
  return { step: 0, params, ema, optimizer: { ...states, tailors: {} } };
}

/**
 * Disposes every tensor of `before` that is not in `after`: what a step has replaced. Trees that are the same object in
 * both are skipped, so the cost depends only on the groups in the batch.
 */
export function disposeReplaced(before: KindTrainState<NetworkParams>, after: KindTrainState<NetworkParams>): void {
  disposeReplacedParams(partsOf(before), partsOf(after));
}

/** Disposes every tensor of a state: parameters (frozen ones too), moving averages, optimiser. */
export function disposeKindTraining(state: KindTrainState<NetworkParams>): void {
  for (const tensor of tensorsOf(partsOf(state))) if (!tensor.isDisposed) tensor.dispose();
}

/** The trees that a step replaces as a whole: parameters, moving averages and moments. */
function partsOf({ params, ema, optimizer }: KindTrainState<NetworkParams>): ParamTree[] {
  const values = [params, ema].flatMap(({ tailors, ...rest }) => [...Object.values(rest), ...Object.values(tailors)]);
  const { tailors, ...dense } = optimizer;
  const moments = [...Object.values(dense), ...Object.values(tailors)].flatMap(({ m, v }) => [m, v]);
  return [...values, ...moments].filter((part) => part !== undefined) as ParamTree[];
}

function tensorsOf(parts: readonly ParamTree[]): Set<Tensor> {
  return new Set(parts.flatMap(paramLeaves));
}
