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
import type { JobContext } from '../data/context';
import { type BaseJob, baseDit, baseKey, baseKindConfig, denseStart, type PictureShape } from '../plan/bases';
import type { Plan } from '../plan/plan';
import { diffusion } from '../training/process';

/** A base model in pre-training. */
export type BaseLearner = KindLearner | DitLearner;

/** What a base learns from: a state, or what makes it when it is needed. */
type Start<S> = S | (() => S);

/** The learner of a base. */
function learnerOf(
  plan: Plan,
  { job, data, start }: { job: BaseJob; data: PictureShape; start: Start<KindTrainState> | Start<TreeState> },
): BaseLearner {
  const { spec } = job;
  const { factorLearningRateScale } = spec;
  if (spec.form === 'kind') {
    const config = baseKindConfig(plan, spec, data);
    const { orthogonality } = spec;
    const options = { config, process: diffusion, factorLearningRateScale, orthogonality, donate: true };
    return kindLearner(start as Start<KindTrainState>, { ...options, trainable: 'all' });
  }
  const options = { config: baseDit(plan, spec, data), form: spec.form, process: diffusion };
  return ditLearner(start as Start<TreeState>, {
    ...options,
    ...(spec.form === 'low-rank' && { factorLearningRateScale }),
  });
}

/** The weights of a base before its first step. */
async function firstState(context: JobContext, job: BaseJob, data: PictureShape): Promise<KindTrainState | TreeState> {
  const { plan } = context;
  const { spec, seed } = job;
  const dense = denseStart(plan, job);
  const weights = dense && ((await loadBase(context, dense)) as DitParams & ParamTree);
  const g = stream(createGenerator(seed), 'init');
  const dit = baseDit(plan, spec, data);
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
      const config = baseKindConfig(plan, spec, data);
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
export async function startBase(context: JobContext, job: BaseJob, data: PictureShape): Promise<BaseLearner> {
  return learnerOf(context.plan, { job, data, start: await firstState(context, job, data) });
}

/** A base whose state a checkpoint holds, which is restored before anything is asked of it. */
export function restoredBase(plan: Plan, job: BaseJob, data: PictureShape): BaseLearner {
  const start = () => {
    throw new Error(`base ${baseKey(plan, job)}: expected a checkpoint to go on from`);
  };
  return learnerOf(plan, { job, data, start });
}

/** The averaged weights of a finished base, as a tree of its form; the caller disposes them. */
export async function loadBase({ out, plan }: JobContext, job: BaseJob): Promise<ParamTree> {
  const run = join(out, 'bases', baseKey(plan, job));
  const last = (await checkpointSteps(run)).at(-1);
  if (last === undefined) throw new Error(`${run}: expected a pre-trained base, got none`);
  return (await loadCheckpoint(run, last, ['ema'])).trees.ema;
}

/** A base as a learner that is never trained again, to draw its own classes. */
export function baseLearner(
  plan: Plan,
  { job, tree, data }: { job: BaseJob; tree: ParamTree; data: PictureShape },
): BaseLearner {
  if (job.spec.form !== 'kind') return learnerOf(plan, { job, data, start: freshTree(tree) });
  const params = paramsFromTree(tree, baseKindConfig(plan, job.spec, data));
  return learnerOf(plan, { job, data, start: initKindTraining(params, { trainable: 'all' }) });
}
