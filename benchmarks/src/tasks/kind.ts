import { trainingLosses } from '@learngene/diffusion';
import { applyDit, initDit } from '@learngene/dit';
import {
  applyKind,
  disposeKindTraining,
  disposeReplaced,
  initKind,
  initKindTraining,
  type KindConfig,
  type KindParams,
  kindConfig,
  kindTrainStep,
} from '@learngene/kind';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { batchOf, shareWeights, startNoise, withoutZeros } from './batch';
import { configOf } from './config';
import { diffusion, firstLosses, sampling } from './models';
import { summary } from './pattern';
import type { FactoredSpec, KindSampleSpec, KindSpec } from './specs';
import { type StepBatch, stepData } from './step-data';
import type { WorkItem } from './task';

function kindConfigOf(spec: KindSpec): KindConfig {
  const groups = Array.from({ length: spec.groups }, (_, g) => ({ name: `g${g}`, classes: [g] }));
  return kindConfig({ dit: configOf(spec), groups, learngeneRank: spec.learngeneRank, tailorRank: spec.tailorRank });
}

/** Fresh parameters; s of group g is the first group's times 1 + g / 100, so that no two groups are alike. */
function freshKind(spec: KindSpec): KindParams {
  const generator = createGenerator(0);
  const params = initKind(generator, kindConfigOf(spec));
  const tailors = Object.entries(params.tailors).map(([name, { blocks, label }], g) => {
    const scaled = mapLeaves(blocks as unknown as ParamTree, (leaf, key) => {
      if (key !== 's') return leaf;
      const result = tf.mul(leaf, 1 + g / 100);
      leaf.dispose();
      return result;
    });
    return [name, { blocks: scaled, label }];
  });
  return {
    ...params,
    shared: withoutZeros(params.shared, generator),
    tailors: Object.fromEntries(tailors),
  };
}

function mapLeaves(tree: ParamTree, f: (leaf: tf.Tensor, key: string) => tf.Tensor): ParamTree {
  return Object.fromEntries(
    Object.entries(tree).map(([key, child]) => [
      key,
      child instanceof tf.Tensor ? f(child, key) : mapLeaves(child as ParamTree, f),
    ]),
  );
}

/** The peer's file: shared parts, learngenes, the first group's tailors and one table of labels, the null row last. */
async function shareKindWeights(path: string, { shared, learngenes, tailors }: KindParams): Promise<void> {
  const { label, blocks, ...frame } = shared;
  const table = tf.concat([...Object.values(tailors).map((group) => group.label.rows), label.null], 0);
  const merged = Object.fromEntries(
    Object.entries(blocks).map(([i, { adaln }]) => [i, { adaln, ...learngenes.blocks[i] }]),
  );
  const [first] = Object.values(tailors);
  const tree = { ...frame, blocks: merged, label: { table }, tailor: { blocks: first.blocks } };
  await shareWeights(path, tree as unknown as ParamTree);
  table.dispose();
}

/** A whole diversion step, as `learngene train` takes it. */
async function kindStep(spec: KindSpec): Promise<WorkItem> {
  const config = kindConfigOf(spec);
  const fixed = batchOf(spec);
  const { labels } = fixed;
  const { trainable = 'all' } = spec;
  const params = freshKind(spec);
  await shareKindWeights(spec.weights, params);
  let state = initKindTraining(params, { trainable });

  const step = async ({ x0, noise, t }: StepBatch = fixed): Promise<number> => {
    const result = kindTrainStep(
      {
        state,
        config,
        labels,
        loss: (denoiser) => tf.mean(trainingLosses(diffusion, denoiser, { x0, noise, t }).loss) as tf.Scalar,
      },
      { learningRate: 1e-4, trainable, clipNorm: 1, emaDecay: 0.9999, donate: true },
    );
    disposeReplaced(state, result.state);
    state = result.state;
    const [loss] = await result.loss.data();
    tf.dispose([result.loss, result.gradientNorm]);
    return loss;
  };
  const data = spec.data ? stepData(spec) : undefined;
  const stepWithData = async (from: NonNullable<typeof data>) => {
    const batch = from.next();
    from.log(await step(batch));
    tf.dispose([batch.x0, batch.noise]);
  };
  return {
    run: () => (data ? stepWithData(data) : step()),
    check: () => firstLosses(step, spec),
    dispose: () => {
      disposeKindTraining(state);
      tf.dispose([fixed.x0, fixed.noise]);
      data?.close();
    },
  };
}

/** DDIM with guidance on a doubled batch. */
async function kindSample(spec: KindSampleSpec): Promise<WorkItem> {
  const config: KindConfig = { ...kindConfigOf(spec), nullGate: 'own-class' };
  const params = freshKind(spec);
  await shareKindWeights(spec.weights, params);
  const labels = Int32Array.from([...spec.labels, ...spec.labels]);
  const dropped = labels.map((_, i) => (i < spec.labels.length ? 0 : 1));
  const apply = (x: tf.Tensor4D, t: tf.Tensor1D) => applyKind(params, { x, t, labels }, { config, dropped });
  return sampling(apply, spec, () => disposeParams(params as unknown as ParamTree));
}

/** One forward pass: of a factored model of `rank` components a layer, or of the dense model where `rank` is 0. */
async function forward(spec: FactoredSpec): Promise<WorkItem> {
  const config = configOf(spec);
  const generator = createGenerator(0);
  const x = startNoise(spec);
  const t = tf.fill<tf.Rank.R1>([spec.batch], 500);
  const labels = new Int32Array(spec.batch).fill(spec.classes);
  const { apply, params } = spec.rank === 0 ? dense() : factored();

  function dense() {
    const params = withoutZeros(initDit(generator, config), generator);
    return { params, apply: () => applyDit(params, { x, t, labels }, { config }) };
  }
  function factored() {
    const kind = kindConfig({ dit: config, groups: [], learngeneRank: spec.rank, tailorRank: 1 });
    const params = initKind(generator, kind);
    return { params, apply: () => applyKind(params, { x, t, labels }, { config: kind }) };
  }
  return {
    run: async () => {
      const out = apply();
      await out.data();
      out.dispose();
    },
    check: async () => {
      const out = apply();
      const numbers = await summary(out);
      out.dispose();
      return numbers;
    },
    dispose: () => {
      disposeParams(params as ParamTree);
      tf.dispose([x, t]);
    },
  };
}

/** Work items made of a KIND model. */
export const kindTasks = { 'kind-step': kindStep, 'kind-sample': kindSample, forward };
