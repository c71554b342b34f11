import { join } from 'node:path';
import { initLowRankDit, lowRankFromDenseAsync } from '@learngene/adapters';
import { type DitParams, initDit } from '@learngene/dit';
import {
  inFixedOrder,
  initKind,
  initKindTraining,
  type KindTrainState,
  kindFromDenseAsync,
  paramsFromTree,
} from '@learngene/kind';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { checkpointSteps, loadCheckpoint } from '@learngene/pipeline/node';
import { createGenerator, stream } from '@learngene/random';
import {
  type DitLearner,
  ditLearner,
  freshTree,
  type KindLearner,
  kindLearner,
  type TreeState,
} from '@learngene/trainer';
import type { BaseInput, BaseModel } from '../jobs/job';
import { baseDit, baseKindConfig, type InputShape } from '../plan/base-spec';
import { diffusion } from '../training/process';

/** A base model in pre-training. */
export type BaseLearner = KindLearner | DitLearner;

/** The state that a base learns from, or a function that makes it when it is needed. */
type Start<S> = S | (() => S);

/** The learner of a base. */
function learnerOf(
  { spec, model }: BaseModel,
  { input, start }: { input: InputShape; start: Start<KindTrainState> | Start<TreeState> },
): BaseLearner {
  const { factorLearningRateScale } = spec;
  if (spec.form === 'kind') {
    const config = baseKindConfig(model, spec, input);
    const { orthogonality } = spec;
    const options = { config, process: diffusion, factorLearningRateScale, orthogonality, donate: true };
    return kindLearner(start as Start<KindTrainState>, { ...options, trainable: 'all' });
  }
  const options = { config: baseDit(model, spec, input), form: spec.form, process: diffusion };
  return ditLearner(start as Start<TreeState>, {
    ...options,
    ...(spec.form === 'low-rank' && { factorLearningRateScale }),
  });
}

/** The weights of a base before its first step. */
async function firstState(
  out: string,
  { spec, seed, model, start }: BaseModel,
  input: InputShape,
): Promise<KindTrainState | TreeState> {
  const weights = start && ((await loadBase(out, start)) as DitParams & ParamTree);
  const g = stream(createGenerator(seed), 'init');
  const dit = baseDit(model, spec, input);
  switch (spec.form) {
    case 'dense':
      return freshTree(initDit(g, dit));
    case 'low-rank': {
      const { rank } = spec;
      const params = weights ? await lowRankFromDenseAsync(weights, dit, { rank }) : initLowRankDit(g, dit, { rank });
      if (weights) disposeParams(weights);
      return freshTree(params);
    }
    case 'kind': {
      const config = baseKindConfig(model, spec, input);
      const params = weights
        ? await kindFromDenseAsync(weights, config, { generator: g })
        : initKind(g, config, { init: spec.init === 'xavier' ? 'xavier' : 'orthogonal' });
      if (weights) disposeParams(weights);
      return inFixedOrder(initKindTraining(params, { trainable: 'all' }));
    }
    default:
      throw new Error(`base: unknown form ${JSON.stringify(spec satisfies never)}`);
  }
}

/** A base before its first step. */
export async function startBase(out: string, base: BaseModel, input: InputShape): Promise<BaseLearner> {
  return learnerOf(base, { input, start: await firstState(out, base, input) });
}

/** A base whose state a checkpoint holds, which is restored before anything is asked of it. */
export function restoredBase(base: BaseModel, input: InputShape): BaseLearner {
  const start = () => {
    throw new Error('base: expected a checkpoint to go on from');
  };
  return learnerOf(base, { input, start });
}

/** The averaged weights of a finished base, as a tree of its form; the caller disposes them. */
export async function loadBase(out: string, { key }: Pick<BaseInput, 'key'>): Promise<ParamTree> {
  const run = join(out, 'bases', key);
  const last = (await checkpointSteps(run)).at(-1);
  if (last === undefined) throw new Error(`${run}: expected a pre-trained base, got none`);
  return (await loadCheckpoint(run, last, ['ema'])).trees.ema;
}

/** A finished base as a learner that draws samples and is not trained. */
export function baseLearner(base: BaseModel, { tree, input }: { tree: ParamTree; input: InputShape }): BaseLearner {
  const { spec, model } = base;
  if (spec.form !== 'kind') return learnerOf(base, { input, start: freshTree(tree) });
  const params = paramsFromTree(tree, baseKindConfig(model, spec, input));
  return learnerOf(base, { input, start: initKindTraining(params, { trainable: 'all' }) });
}
