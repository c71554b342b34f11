import {
  type AdaptedModel,
  type AdapterTrainState,
  adapterMethods,
  adapterTrainStep,
  applyAdapted,
  countAdapted,
  disposeAdapterTraining,
  disposeReplacedAdapters,
  initAdapterTraining,
} from '@learngene/adapters';
import { countDitParams } from '@learngene/dit';
import { groupToKey } from '@learngene/kind';
import { type AdamWState, arrangeParams, disposeParams, type ParamTree } from '@learngene/nn';
import type { DiffusionProcess } from '@learngene/pipeline';
import { tidy } from '@tensorflow/tfjs-core';
import type { DiffusionLearner } from '../contracts/diffusion';
import type { LearnerState } from '../contracts/learner';
import { batchObjective, readLosses } from '../objective/batch-objective';
import { treesOf } from './adamw-tree';

type Adapters = AdaptedModel['adapters'];

/** A tree with one sub-tree a group, under the keys of a state; groups without one are left out. */
function withKeys(names: readonly string[], of: (name: string) => ParamTree | undefined): ParamTree {
  return Object.fromEntries(
    names.flatMap((name) => {
      const tree = of(name);
      return tree === undefined ? [] : [[groupToKey(name), tree]];
    }),
  );
}

function toState({ step, model, ema, optimizer }: AdapterTrainState): LearnerState {
  const names = model.config.groups.map(({ name }) => name);
  const own = (name: string) => (Object.hasOwn(optimizer, name) ? optimizer[name] : undefined);
  const moments = (name: string) => {
    const state = own(name);
    return state && ({ m: state.m, v: state.v } as ParamTree);
  };
  return {
    step,
    trees: {
      params: withKeys(names, (name) => model.adapters[name] as ParamTree),
      ema: withKeys(names, (name) => ema[name] as ParamTree),
      optimizer: withKeys(names, moments),
    },
    clocks: Object.fromEntries(names.map((name) => [groupToKey(name), own(name)?.step])),
  };
}

/** The state of trees, in the order of the present state, whose frozen tensors it takes over. */
function fromState(before: AdapterTrainState, state: LearnerState): AdapterTrainState {
  const { model } = before;
  const names = model.config.groups.map(({ name }) => name);
  const clocks = (state.clocks ?? {}) as Record<string, number | undefined>;
  const { params, ema, optimizer } = treesOf(state);
  const like = (tree: ParamTree, what: string) => {
    const arranged = arrangeParams(
      withKeys(names, (name) => model.adapters[name] as ParamTree),
      tree,
      `state.${what}`,
    );
    return Object.fromEntries(names.map((name) => [name, arranged[groupToKey(name)]])) as Adapters;
  };
  const moments = names.flatMap((name): [string, AdamWState][] => {
    const key = groupToKey(name);
    const [own, step] = [optimizer[key] as ParamTree | undefined, clocks[key]];
    return own === undefined || step === undefined ? [] : [[name, { ...own, step } as unknown as AdamWState]];
  });
  return {
    step: state.step,
    model: { ...model, adapters: like(params, 'params') },
    ema: like(ema, 'ema'),
    optimizer: Object.fromEntries(moments),
  };
}

/** How an adapted model is trained. */
export interface AdapterLearnerOptions {
  /** The diffusion process. */
  process: DiffusionProcess;
  /** Whether the model without adapters is usable as a class-agnostic model. It is not if it was never trained. */
  agnostic: boolean;
}

/**
 * An adapted model as a learner: its adapters are trained, all other tensors are frozen. A state holds only the
 * adapters; a learner that restores it keeps its own frozen model.
 *
 * @param model Belongs to the learner.
 */
export function adapterLearner(model: AdaptedModel, { process, agnostic }: AdapterLearnerOptions): DiffusionLearner {
  let state = initAdapterTraining(model);
  const { trainable, frozen, macs, mergedMacs, bytesPerGroup } = countAdapted(model.config);
  // A method whose adapter hides weights of the base deploys a plain DiT.
  const overlay = adapterMethods[model.config.adapter.method].kind === 'overlay';
  const branch = (nullGate: 'base' | 'own-class'): AdaptedModel['config'] => ({ ...model.config, nullGate });
  const within = branch('own-class');
  const without = branch('base');
  const predict: DiffusionLearner['predict'] = ({ x, t, labels }, wanted) => {
    const dropped = new Uint8Array(labels.length).fill(wanted === 'class' ? 0 : 1);
    const config = wanted === 'class-agnostic' ? without : within;
    const { frozen: base } = state.model;
    return tidy(() => applyAdapted({ config, frozen: base, adapters: state.ema }, { x, t, labels }, { dropped }));
  };
  return {
    agnostic,
    counts: {
      trainable,
      macs: Math.min(macs, mergedMacs),
      bytesPerClass: bytesPerGroup,
      parameters: overlay ? countDitParams(model.config.dit).trainable : frozen + trainable,
    },
    async step(batch, { learningRate, emaDecay, clipNorm }) {
      const { labels, dropped } = batch;
      const objective = batchObjective(process, batch);
      const before = state;
      const result = adapterTrainStep(
        { state: before, labels, dropped, loss: objective.loss },
        { learningRate, emaDecay, clipNorm, weightDecay: 0 },
      );
      disposeReplacedAdapters(before, result.state);
      state = result.state;
      return objective.read(result.loss, result.gradientNorm);
    },
    evaluate: (batch) => readLosses(process, (x, t) => predict({ x, t, labels: batch.labels }, 'class'), batch),
    predict,
    state: () => toState(state),
    restore(saved) {
      const [before, after] = [state, fromState(state, saved)];
      disposeParams(toState(before).trees as ParamTree);
      state = after;
    },
    dispose: () => disposeAdapterTraining(state),
  };
}
