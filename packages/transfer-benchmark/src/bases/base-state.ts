import { join } from 'node:path';
import { initLowRankDit, lowRankFromDenseAsync } from '@learngene/adapters';
import type { BatchState } from '@learngene/datasets';
import { type DitParams, initDit } from '@learngene/dit';
import {
  type GroupSteps,
  inFixedOrder,
  initKind,
  initKindTraining,
  type KindConfig,
  kindFromDenseAsync,
  paramsFromTree,
  stateFromTrees,
  stateToTrees,
} from '@learngene/kind';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { checkpointSteps, loadCheckpoint } from '@learngene/pipeline/node';
import { createGenerator, stream } from '@learngene/random';
import { saveCheckpoint } from '@learngene/trainer/node';
import type { JobContext } from '../data/context';
import type { Learner } from '../learners/learner';
import { type KindLearner, kindLearner } from '../learners/learner-kind';
import { freshTree, type TreeLearner, treeLearner } from '../learners/learner-tree';
import {
  type BaseJob,
  type BaseSpec,
  baseDit,
  baseKey,
  baseKindConfig,
  denseStart,
  type PictureShape,
} from '../plan/bases';
import type { Plan } from '../plan/plan';

/** A base model in pre-training. */
export type BaseLearner = KindLearner | TreeLearner;

function kindOptions(config: KindConfig, { orthogonality, factorLearningRateScale }: BaseSpec & { form: 'kind' }) {
  return { config, trainable: () => 'all' as const, factorLearningRateScale, orthogonality, reuse: true };
}

/** A base before its first step. */
export async function startBase(context: JobContext, job: BaseJob, data: PictureShape): Promise<BaseLearner> {
  const { plan } = context;
  const { spec, seed } = job;
  const dense = denseStart(plan, job);
  const weights = dense && ((await loadBase(context, dense)) as DitParams & ParamTree);
  const g = stream(createGenerator(seed), 'init');
  const dit = baseDit(plan, spec, data);
  switch (spec.form) {
    case 'dense':
      return treeLearner(freshTree(initDit(g, dit)), 'dense', dit);
    case 'low-rank': {
      const { rank } = spec;
      const params = weights ? await lowRankFromDenseAsync(weights, dit, { rank }) : initLowRankDit(g, dit, { rank });
      if (weights) disposeParams(weights);
      return treeLearner(freshTree(params), 'low-rank', dit, spec);
    }
    case 'kind': {
      const config = baseKindConfig(plan, spec, data);
      const params = weights
        ? await kindFromDenseAsync(weights, config, { generator: g })
        : initKind(g, config, { init: spec.init === 'xavier' ? 'xavier' : 'orthogonal' });
      if (weights) disposeParams(weights);
      const state = initKindTraining(params, { trainable: 'all' });
      return kindLearner(inFixedOrder(state), kindOptions(config, spec));
    }
    default:
      throw new Error(`base: unknown form ${JSON.stringify(spec satisfies never)}`);
  }
}

/** What a checkpoint keeps besides tensors. */
export interface SavedState {
  groupSteps?: GroupSteps;
  /** What files of format 1 call `groupSteps`. */
  pieceSteps?: GroupSteps;
  batches: BatchState;
  metricsBytes: number;
}

/** Whether a base is a KIND model. */
export function isKind(learner: BaseLearner): learner is KindLearner {
  return learner.agnostic;
}

/** Writes a checkpoint. */
export async function saveBase(
  run: string,
  step: number,
  { learner, config, rest }: { learner: BaseLearner; config?: KindConfig; rest: SavedState },
): Promise<void> {
  if (isKind(learner)) {
    const { trees, steps } = stateToTrees(learner.state(), config as KindConfig);
    await saveCheckpoint(run, step, { trees, state: { ...rest, groupSteps: steps } });
    return;
  }
  const { params, ema, optimizer } = learner.state();
  const trees = { params, ema, optimizer: { m: optimizer.m, v: optimizer.v } as ParamTree };
  await saveCheckpoint(run, step, { trees, state: { ...rest } });
}

/** Reads a checkpoint. */
export async function resumeBase(
  run: string,
  step: number,
  { plan, job, data }: { plan: Plan; job: BaseJob; data: PictureShape },
): Promise<{ learner: BaseLearner; saved: SavedState }> {
  const { trees, state } = await loadCheckpoint(run, step);
  const saved = state as unknown as SavedState;
  const { spec } = job;
  if (spec.form === 'kind') {
    const config = baseKindConfig(plan, spec, data);
    const restored = stateFromTrees(
      { trees, steps: (saved.groupSteps ?? saved.pieceSteps) as GroupSteps, step },
      config,
    );
    return { learner: kindLearner(restored, kindOptions(config, spec)), saved };
  }
  const optimizer = { ...trees.optimizer, step } as never;
  const dit = baseDit(plan, spec, data);
  const learner = treeLearner({ params: trees.params, ema: trees.ema, optimizer }, spec.form, dit, spec);
  return { learner, saved };
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
): Learner {
  const { spec } = job;
  if (spec.form !== 'kind') return treeLearner(freshTree(tree), spec.form, baseDit(plan, spec, data));
  const config = baseKindConfig(plan, spec, data);
  return kindLearner(initKindTraining(paramsFromTree(tree, config), { trainable: 'all' }), kindOptions(config, spec));
}
