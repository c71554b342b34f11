// First: the engine must be tfjs-core's own and not that of its bundled gradients.

import { initLowRankDit } from '@learngene/adapters';
import { initDit } from '@learngene/dit';
import { initKind, initKindTraining, stateToTrees } from '@learngene/kind';
import { countParams, flattenParams, mapParams, type ParamTree } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import { tinyPlan, useTestBackend } from '@learngene/testing';
import {
  type Branch,
  type DiffusionBatch,
  type DiffusionLearner,
  diffusionBatch,
  sampleLosses,
  streamRandomness,
} from '@learngene/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { baseDit, baseKindConfig } from '../plan/base-spec';
import { parsePlan } from '../plan/benchmark-plan';
import { methodSpec } from '../plan/methods';
import { ABLATIONS, type AblationName, METHOD_NAMES, type MethodName } from '../plan/names';

import { calibrationBatch } from '../training/batches';
import { diffusion } from '../training/process';
import { attachMethod } from './attach';

beforeAll(useTestBackend);

const { model, transfer } = parsePlan(tinyPlan('images.safetensors'), 'plan');
const baseImages = { height: 8, width: 8, channels: 3, classes: ['a', 'b'] };
const shape = [8, 8, 3] as const;

/** A base with random weights everywhere: with adaLN at zero, as it starts, the blocks would have no effect. */
function baseTree(name: MethodName | AblationName): ParamTree {
  const g = createGenerator(0);
  const { base } = methodSpec(name, model);
  const dit = baseDit(model, base, baseImages);
  const make = (): ParamTree => {
    if (base.form === 'dense') return initDit(g, dit);
    if (base.form === 'low-rank') return initLowRankDit(g, dit, { rank: base.rank });
    const config = baseKindConfig(model, base, baseImages);
    return stateToTrees(initKindTraining(initKind(g, config), { trainable: 'all' }), config).trees.ema;
  };
  return mapParams((tensor) => tf.add(tensor, tf.tensor(normal(g, tensor.size, { std: 0.05 }), tensor.shape)), make());
}

async function attach(name: MethodName | AblationName, tree: ParamTree): Promise<DiffusionLearner> {
  const spec = methodSpec(name, model);
  const images = new Uint8Array(4 * 192).map((_, i) => (i * 37) % 256);
  const attached = await attachMethod({
    spec,
    base: { spec: spec.base, model },
    labels: transfer.labels,
    tree,
    input: baseImages,
    classes: ['c', 'd', 'e'],
    matchFor: 3,
    steps: 2,
    seed: 0,
    calibrationBatch: (step) =>
      calibrationBatch({ images, labels: Int32Array.of(0, 1, 0, 1) }, shape, { seed: 0, step }),
  });
  return attached.learner;
}

const labels = Int32Array.of(0, 1, 2);

function predictions(learner: DiffusionLearner): Record<Branch, Float32Array | undefined> {
  const see = (branch: Branch) =>
    tf.tidy(() => {
      const x = tf.tensor4d(normal(createGenerator(7), 3 * 192), [3, ...shape]);
      return learner.predict({ x, t: tf.tensor1d([10, 500, 900]), labels }, branch).dataSync() as Float32Array;
    });
  return {
    class: see('class'),
    'null-label': see('null-label'),
    'class-agnostic': learner.agnostic ? see('class-agnostic') : undefined,
  };
}

const far = (a: Float32Array, b: Float32Array) => Math.max(...a.map((value, i) => Math.abs(value - b[i])));

/** A batch of novel classes whose labels are all kept, all dropped, or dropped for one sample of each class. */
function batchOf(own: readonly number[], { dropped }: { dropped: boolean | 'some' }): DiffusionBatch {
  const images = new Uint8Array(own.length * 192).map((_, i) => (i * 53) % 256);
  const labelDropout = dropped === 'some' ? 0.4 : dropped ? 1 : 0;
  // Of six samples this seed drops one of each pair.
  const random = streamRandomness({ process: diffusion, labelDropout, seed: 0, purpose: 'test' });
  const draws = random.draw(0, { count: own.length, pixels: 192 });
  const options = { shape, draws, drawnFor: random.drawnFor, droppedKeepGroup: true };
  return diffusionBatch({ images, labels: Int32Array.from(own) }, options);
}

const free = ({ x0, noise }: DiffusionBatch) => tf.dispose([x0, noise]);

/** The loss of a batch with the averaged weights. */
function lossOf(learner: DiffusionLearner, batch: DiffusionBatch, branch: Branch): number {
  const { labels: own } = batch;
  const losses = () => sampleLosses(diffusion, (x, t) => learner.predict({ x, t, labels: own }, branch), batch);
  return tf.tidy(() => tf.mean(losses()).dataSync()[0]);
}

/** No moving average: the averaged weights are those of the last step. */
const options = { learningRate: 2e-5, emaDecay: 0, clipNorm: 1 };

/** The elements of the trained leaves that are not what they were. */
function movedElements(learner: DiffusionLearner, before: ReadonlyMap<string, Float32Array>): number {
  const now = flattenParams(learner.state().trees.params);
  return [...now].reduce((sum, [name, leaf]) => {
    const was = before.get(name) as Float32Array;
    return leaf.dataSync().some((value, i) => value !== was[i]) ? sum + leaf.size : sum;
  }, 0);
}

/** Methods of whose leaves some wait: a fresh network's gates start at zero, and learngenes are freed later. */
const waiting: string[] = ['scratch', 'heur-lg', 'auto-lg', 'kind/distant', 'kind/unfreeze-late'];

/** The model without adapters is trained along with these. */
const agnosticMoves: string[] = ['kind/distant', 'kind/unfreeze-late'];

/** Methods with one module for all classes, or with a gate that mixes those of all; of the others each class has its own. */
const isShared = (name: MethodName | AblationName) => {
  const { base, form } = methodSpec(name, model);
  if (base.form === 'kind' && base.gate === 'soft') return true;
  return form.kind === 'scratch' || form.shared || (form.kind === 'tailors' && form.distant);
};

describe.each([...METHOD_NAMES, ...(Object.keys(ABLATIONS) as AblationName[])])('%s', (name) => {
  // AdamW's first step is the learning rate times the sign of the gradient g. To first order the loss falls by the rate times
  // |g|_1, which lies between |g|_2 and |g|_2 times the root of the number of parameters.
  test.each([
    ['kept labels train the class', 'class', false],
    ['dropped labels train the null label', 'null-label', true],
  ] as const)('%s: a step follows the gradient of what is sampled', async (_, branch, dropped) => {
    const tree = baseTree(name);
    const held = [...flattenParams(tree).values()].map((tensor) => tensor.dataSync().slice());
    const before = tf.memory().numTensors;
    const learner = await attach(name, tree);
    const batch = batchOf([0, 0, 1, 1, 2, 2], { dropped });
    const start = predictions(learner)['class-agnostic'];
    const old = lossOf(learner, batch, branch);
    const { loss, gradientNorm: norm } = await learner.step(batch, options);
    expect(loss).toBeCloseTo(old, 5);
    const fall = (old - lossOf(learner, batch, branch)) / options.learningRate;
    const rounding = (4e-7 * old) / options.learningRate;
    expect(fall).toBeGreaterThan(0.95 * norm - rounding);
    expect(fall).toBeLessThan(1.05 * norm * Math.sqrt(learner.counts.trainable) + rounding);
    const descends = name === 'heur-lg' || name === 'auto-lg' || name === 'scratch';
    expect(learner.agnostic).toBe(!descends);
    if (start && !agnosticMoves.includes(name))
      expect(far(start, predictions(learner)['class-agnostic'] as Float32Array)).toBe(0);
    free(batch);
    learner.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect([...flattenParams(tree).values()].map((tensor) => tensor.dataSync())).toEqual(held);
  });

  test('two steps go downhill and train as many parameters as are counted', async () => {
    const learner = await attach(name, baseTree(name));
    const batch = batchOf([0, 0, 1, 1, 2, 2], { dropped: 'some' });
    expect([...batch.labels].filter((_, i) => batch.dropped[i] === 1).sort()).toEqual([0, 1, 2]);
    const params = flattenParams(learner.state().trees.params);
    const before = new Map([...params].map(([leaf, tensor]) => [leaf, tensor.dataSync().slice() as Float32Array]));
    const steps = { learningRate: 2e-3, emaDecay: 0, clipNorm: 1 };
    const losses: number[] = [];
    for (let step = 0; step < 2; step++) losses.push((await learner.step(batch, steps)).loss);
    const moved = movedElements(learner, before);
    losses.push((await learner.step(batch, steps)).loss);
    expect(losses[1]).toBeLessThan(losses[0]);
    expect(losses[2]).toBeLessThan(losses[1]);
    if (waiting.includes(name)) expect([0 < moved, moved < learner.counts.trainable]).toEqual([true, true]);
    else expect(moved).toBe(learner.counts.trainable);
    free(batch);
    learner.dispose();
  });

  test('a class is trained alone where it has a module of its own, with the others where they share it', async () => {
    const learner = await attach(name, baseTree(name));
    const start = predictions(learner).class as Float32Array;
    const batch = batchOf([0, 0, 0], { dropped: false });
    await learner.step(batch, options);
    const now = predictions(learner).class as Float32Array;
    const moved = labels.map((id) =>
      far(start.subarray(id * 192, (id + 1) * 192), now.subarray(id * 192)) > 0 ? 1 : 0,
    );
    expect([...moved]).toEqual(isShared(name) ? [1, 1, 1] : [1, 0, 0]);
    free(batch);
    learner.dispose();
  });
});

describe('what a method costs', () => {
  // Hidden 16, two blocks: q, k, v, o of 16 to 16, the MLP of 16 to 64 and back, so that a rank has 288 numbers a block.
  const perRank = 2 * (4 * 32 + 2 * 80);
  const scales = 2 * 6;
  const [rank, classes, row] = [2, 3, 16];
  const tailor = rank * (perRank + scales);
  const all = (name: MethodName) => countParams(baseTree(name));

  test('KIND trains a tailor and a label row for each class', async () => {
    const { counts, dispose } = await attach('kind', baseTree('kind'));
    expect(counts.trainable).toBe(classes * (tailor + row));
    expect(counts.bytesPerClass).toBe(4 * (tailor + row));
    // The base has two classes with tailors and rows; the model that is held has the three novel ones.
    expect(counts.parameters).toBe(all('kind') + tailor + row);
    dispose();
  });
  test('full fine-tuning trains all, with a label row for each novel class', async () => {
    const { counts, dispose } = await attach('full', baseTree('full'));
    expect(counts.trainable).toBe(all('full') + row);
    expect([counts.parameters, counts.bytesPerClass]).toEqual([counts.trainable, 4 * counts.trainable]);
    dispose();
  });
  test('LoRA trains A and B of the rank that comes nearest to KIND, and the label rows', async () => {
    const { counts, dispose } = await attach('lora', baseTree('lora'));
    const matched = Math.round((classes * tailor) / perRank);
    expect(counts.trainable).toBe(matched * perRank + classes * row);
    // Merged into the weights it costs what the dense model costs.
    const dense = await attach('full', baseTree('full'));
    expect(counts.macs).toBe(dense.counts.macs);
    dense.dispose();
    dispose();
  });
});

test('tailors that start fresh add nothing: every class starts as the class-agnostic model', async () => {
  for (const name of ['kind', 'low-rank+tailors', 'svd-cut+tailors', 'lora-class', 'dora-class', 'full'] as const) {
    const learner = await attach(name, baseTree(name));
    const { class: own, 'class-agnostic': common } = predictions(learner);
    // Label rows start at the null label's.
    expect(far(own as Float32Array, common as Float32Array)).toBeLessThan(1e-4);
    learner.dispose();
  }
});
