// First: the engine must be tfjs-core's own and not that of its bundled gradients.

import { initLowRankDit } from '@learngene/adapters';
import { trainingLosses } from '@learngene/diffusion';
import { initDit } from '@learngene/dit';
import { initKind, initKindTraining, stateToTrees } from '@learngene/kind';
import { flattenParams, mapParams, type ParamTree } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import { tinyPlan, useTestBackend } from '@learngene/testing';
import {
  type Branch,
  type DiffusionBatch,
  type DiffusionLearner,
  diffusionBatch,
  streamRandomness,
} from '@learngene/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { baseDit, baseKindConfig } from '../plan/bases';
import { methodSpec } from '../plan/methods';
import { type AblationName, ablations, type MethodName, methodNames } from '../plan/names';
import { parsePlan } from '../plan/plan';
import { lookBatch } from '../training/batches';
import { diffusion } from '../training/process';
import { attachMethod } from './attach';

beforeAll(useTestBackend);

const plan = parsePlan(tinyPlan('pictures'), 'plan');
const pictures = { height: 8, width: 8, channels: 3, classes: ['a', 'b'] };
const shape = [8, 8, 3] as const;

/** A base with weights of its own everywhere: adaLN starts at zero, and nothing would be seen of what is inside. */
function baseTree(name: MethodName | AblationName): ParamTree {
  const g = createGenerator(0);
  const { base } = methodSpec(name, plan);
  const dit = baseDit(plan, base, pictures);
  const make = (): ParamTree => {
    if (base.form === 'dense') return initDit(g, dit);
    if (base.form === 'low-rank') return initLowRankDit(g, dit, { rank: base.rank });
    const config = baseKindConfig(plan, base, pictures);
    return stateToTrees(initKindTraining(initKind(g, config), { trainable: 'all' }), config).trees.ema;
  };
  return mapParams((tensor) => tf.add(tensor, tf.tensor(normal(g, tensor.size, { std: 0.05 }), tensor.shape)), make());
}

async function attach(name: MethodName | AblationName, tree: ParamTree): Promise<DiffusionLearner> {
  const spec = methodSpec(name, plan);
  const images = new Uint8Array(4 * 192).map((_, i) => (i * 37) % 256);
  const attached = await attachMethod({
    plan,
    spec,
    base: { spec: spec.base, dataset: 'tiny', classes: pictures.classes, seed: 0 },
    tree,
    pictures,
    classes: ['c', 'd', 'e'],
    matchFor: 3,
    steps: 2,
    seed: 0,
    look: (step) => lookBatch({ images, labels: Int32Array.of(0, 1, 0, 1) }, shape, { seed: 0, step }),
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

/** The loss of a batch by its definition, from what the learner predicts with and without the labels. */
function lossOf(learner: DiffusionLearner, batch: DiffusionBatch): number {
  const { x0, noise, t } = batch;
  const denoiser = (x: tf.Tensor4D, steps: tf.Tensor1D) => {
    const [own, none] = (['class', 'null-label'] as const).map((branch) =>
      learner.predict({ x, t: steps, labels: batch.labels }, branch),
    );
    const dropped = tf.reshape(tf.tensor1d(batch.dropped, 'bool'), [-1, 1, 1, 1]);
    return tf.where(tf.broadcastTo(dropped, own.shape), none, own) as tf.Tensor4D;
  };
  return tf.tidy(
    () => tf.mean(trainingLosses(diffusion, denoiser, { x0, noise, t: t as Int32Array }).loss).dataSync()[0],
  );
}

/** The elements of the trained leaves that are not what they were. */
function movedLeaves(learner: DiffusionLearner, before: ReadonlyMap<string, Float32Array>): number {
  const now = flattenParams(learner.state().trees.params);
  return [...now].reduce((sum, [name, leaf]) => {
    const was = before.get(name) as Float32Array;
    return leaf.dataSync().some((value, i) => value !== was[i]) ? sum + leaf.size : sum;
  }, 0);
}

/** Two steps on one batch of all classes, some without their label, without averaging. */
async function trainTwice(name: string, learner: DiffusionLearner): Promise<void> {
  const images = new Uint8Array(6 * 192).map((_, i) => (i * 53) % 256);
  const random = streamRandomness({ process: diffusion, labelDropout: 0.4, seed: SEED, purpose: 'test' });
  const draws = random.draw(0, { count: 6, pixels: 192 });
  const options = { shape, draws, drawnFor: random.drawnFor, droppedKeepGroup: true };
  const batch = diffusionBatch({ images, labels: Int32Array.of(0, 0, 1, 1, 2, 2) }, options);
  expect([...batch.labels].filter((_, i) => batch.dropped[i] === 1).sort()).toEqual([0, 1, 2]);
  const losses = [lossOf(learner, batch)];
  const before = new Map(
    [...flattenParams(learner.state().trees.params)].map(([name, leaf]) => [
      name,
      leaf.dataSync().slice() as Float32Array,
    ]),
  );
  for (let step = 0; step < 2; step++) {
    const { loss } = await learner.step(batch, { learningRate: RATE, emaDecay: 0, clipNorm: 1 });
    expect(Math.abs(loss / losses[step] - 1)).toBeLessThan(1e-4);
    losses.push(lossOf(learner, batch));
    expect(losses[step + 1]).toBeLessThan(losses[step]);
  }
  const moved = movedLeaves(learner, before);
  if (WAITING.includes(name)) expect([0 < moved, moved < learner.counts.trainable]).toEqual([true, true]);
  else expect(moved).toBe(learner.counts.trainable);
  tf.dispose([batch.x0, batch.noise]);
}

/** Drops the label of one sample of each class, and not of the other. */
const SEED = 0;

/** Methods of whose leaves some wait: a fresh network's gates start at zero, and learngenes are freed later. */
const WAITING: readonly string[] = ['scratch', 'heur-lg', 'auto-lg', 'kind/distant', 'kind/unfreeze-late'];

/** Small enough for every step of every method to go downhill. */
const RATE = 2e-3;

const thatMove: string[] = ['kind/distant', 'kind/unfreeze-late'];

describe.each([...methodNames, ...(Object.keys(ablations) as AblationName[])])('%s', (name) => {
  test('the guidance modes see what they say, before and after training, and nothing leaks', async () => {
    const tree = baseTree(name);
    const held = [...flattenParams(tree).values()].map((tensor) => tensor.dataSync().slice());
    const before = tf.memory().numTensors;
    const learner = await attach(name, tree);
    const start = predictions(learner);
    await trainTwice(name, learner);
    const now = predictions(learner);
    // The class and its null label are trained; the model without adapters stays what it was.
    expect(far(start.class as Float32Array, now.class as Float32Array)).toBeGreaterThan(1e-4);
    expect(far(now.class as Float32Array, now['null-label'] as Float32Array)).toBeGreaterThan(1e-6);
    const descends = name === 'heur-lg' || name === 'auto-lg' || name === 'scratch';
    expect(learner.agnostic).toBe(!descends);
    if (learner.agnostic && !thatMove.includes(name)) {
      expect(far(start['class-agnostic'] as Float32Array, now['class-agnostic'] as Float32Array)).toBe(0);
    }
    const { trainable, macs, bytesPerClass, parameters } = learner.counts;
    for (const count of [trainable, macs, bytesPerClass, parameters])
      expect(Number.isInteger(count) && count > 0).toBe(true);
    expect(trainable).toBeLessThanOrEqual(parameters);
    learner.dispose();
    expect(tf.memory().numTensors).toBe(before);
    const kept = [...flattenParams(tree).values()].map((tensor) => tensor.dataSync());
    expect(kept).toEqual(held);
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
