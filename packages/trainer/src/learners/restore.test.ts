import { attachAdapters, initLowRankDit } from '@learngene/adapters';
import { gaussianDiffusion } from '@learngene/diffusion';
import { ditConfig, initDit } from '@learngene/dit';
import { inFixedOrder, initKind, initKindTraining, kindConfig } from '@learngene/kind';
import { disposeParams, flattenParams, groupPerClass, mapParams, type ParamTree, unflattenParams } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { diffusionBatch } from '../batches/diffusion-batch';
import { streamRandomness } from '../batches/randomness';
import type { DiffusionBatch, DiffusionLearner } from '../contracts/diffusion';
import type { LearnerState, StepResult } from '../contracts/learner';
import { freshTree } from './adamw-tree';
import { adapterLearner } from './adapters';
import { ditLearner } from './dit';
import { kindLearner } from './kind';
import { labelRowsLearner } from './label-rows';

beforeAll(useTestBackend);

const process = gaussianDiffusion({
  schedule: 'cosine',
  timesteps: 100,
  prediction: 'x0',
  variance: 'fixed-small',
  loss: 'mse',
});
const sizes = { inputSize: 4, patchSize: 2, inChannels: 1, hiddenSize: 8, depth: 1, heads: 2, classes: 3 };
const dit = ditConfig({ ...sizes, learnSigma: false });
const names = ['a.b', 'g0', 'ö'];
const groups = names.map((name, id) => ({ name, classes: [id] }));
const config = kindConfig({ dit, learngeneRank: 2, tailorRank: 1, groups, nullGate: 'own-class' });

/** Weights everywhere: adaLN starts at zero, and nothing inside would have a gradient. */
function noisy<T extends object>(params: T): T {
  const g = createGenerator(5);
  const add = (tensor: tf.Tensor) => tf.add(tensor, tf.tensor(normal(g, tensor.size, { std: 0.05 }), tensor.shape));
  const tree = tf.tidy(() => mapParams(add, params as unknown as ParamTree));
  disposeParams(params as unknown as ParamTree);
  return tree as unknown as T;
}

const learners: Record<string, () => DiffusionLearner> = {
  kind: () =>
    kindLearner(
      () => inFixedOrder(initKindTraining(noisy(initKind(createGenerator(1), config)), { trainable: 'all' })),
      { config, process, trainable: 'all', donate: true },
    ),
  'a dense DiT': () =>
    ditLearner(freshTree(noisy(initDit(createGenerator(1), dit)) as ParamTree), {
      config: dit,
      form: 'dense',
      process,
      weightDecay: 0.01,
    }),
  'a low-rank DiT': () =>
    ditLearner(freshTree(noisy(initLowRankDit(createGenerator(1), dit, { rank: 3 })) as ParamTree), {
      config: dit,
      form: 'low-rank',
      process,
    }),
  adapters() {
    const base = noisy(initDit(createGenerator(1), dit));
    const model = attachAdapters(base, {
      dit,
      adapter: { method: 'lora', rank: 2 },
      groups: groupPerClass(dit.classes),
      nullGate: 'own-class',
      labels: 'null',
      generator: createGenerator(2),
    });
    disposeParams(base as ParamTree);
    return adapterLearner(model, { process, agnostic: true });
  },
  'label rows': () => labelRowsLearner({ config, params: noisy(initKind(createGenerator(1), config)) }, { process }),
};

const images = new Uint8Array(4 * 16).map((_, i) => (i * 53) % 256);
// Not every class is in every batch, so that groups have clocks of their own.
const labels = [Int32Array.of(0, 1, 0, 1), Int32Array.of(1, 1, 1, 1), Int32Array.of(2, 0, 0, 0)];

function batchOf(step: number): DiffusionBatch {
  const { drawnFor, draw } = streamRandomness({ process, labelDropout: 0.2, seed: 1, purpose: 'test' });
  const draws = draw(step, { count: 4, pixels: 16 });
  return diffusionBatch(
    { images, labels: labels[step % 3] },
    { shape: [4, 4, 1], draws, drawnFor, droppedKeepGroup: true },
  );
}

async function follow(learner: DiffusionLearner, from: number, to: number): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (let step = from; step < to; step++) {
    const batch = batchOf(step);
    // Always clipped, so that the order in which the norm is summed would show.
    results.push(await learner.step(batch, { learningRate: 0.01, emaDecay: 0.5, clipNorm: 0.01 }));
    tf.dispose([batch.x0, batch.noise]);
  }
  return results;
}

const bits = ({ trees }: LearnerState) =>
  Object.fromEntries(
    Object.entries(trees).map(([name, tree]) => [
      name,
      Object.fromEntries([...flattenParams(tree)].map(([leaf, tensor]) => [leaf, [...tensor.dataSync()]])),
    ]),
  );

/** A state as its files give it back: copies of the tensors in the order of their names, the rest as JSON. */
function throughFiles({ step, trees, clocks }: LearnerState): LearnerState {
  const read = Object.entries(trees).map(([name, tree]) => {
    const leaves = [...flattenParams(tree)].sort(([a], [b]) => (a < b ? -1 : 1));
    return [name, unflattenParams(new Map(leaves.map(([leaf, tensor]) => [leaf, tf.clone(tensor)])))];
  });
  return {
    step,
    trees: Object.fromEntries(read),
    ...(clocks !== undefined && { clocks: JSON.parse(JSON.stringify(clocks)) }),
  };
}

describe.each(Object.keys(learners))('%s', (name) => {
  test('goes on from its state to the same bits, and frees all', async () => {
    const before = tf.memory().numTensors;
    const unbroken = learners[name]();
    await follow(unbroken, 0, 4);
    const saved = throughFiles(unbroken.state());
    const results = await follow(unbroken, 4, 8);
    const end = bits(unbroken.state());
    expect(unbroken.state().step).toBe(8);
    unbroken.dispose();
    expect(Object.keys(end).sort()).toEqual(['ema', 'optimizer', 'params']);

    const resumed = learners[name]();
    await follow(resumed, 0, 1); // What restore replaces is freed.
    resumed.restore(saved);
    expect(await follow(resumed, 4, 8)).toEqual(results);
    expect(bits(resumed.state())).toEqual(end);
    resumed.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('evaluates the averaged weights, and leaves everything as it is', async () => {
    const learner = learners[name]();
    await follow(learner, 0, 2);
    const before = bits(learner.state());
    const tensors = tf.memory().numTensors;
    const { x0, noise, t } = batchOf(0);
    const batch = { x0, noise, t, labels: labels[0], dropped: new Uint8Array(4) };
    const losses = await learner.evaluate(batch);
    expect(losses).toHaveLength(4);
    // The network predicts x0 from x_t; its error is the loss.
    const errors = tf.tidy(() => {
      const alpha = Array.from(t, (step) => process.alphasCumprod[step]);
      const scale = (power: number, values: number[]) =>
        tf.reshape(tf.tensor1d(values.map((value) => value ** power)), [4, 1, 1, 1]);
      const x = tf.add(
        tf.mul(scale(0.5, alpha), x0),
        tf.mul(
          scale(
            0.5,
            alpha.map((value) => 1 - value),
          ),
          noise,
        ),
      ) as tf.Tensor4D;
      const predicted = learner.predict({ x, t: tf.tensor1d(Array.from(t)), labels: labels[0] }, 'class');
      return tf.mean(tf.squaredDifference(predicted, x0), [1, 2, 3]).dataSync();
    });
    for (const [i, loss] of losses.entries()) expect(Math.abs(loss - errors[i])).toBeLessThan(1e-5 * loss);
    tf.dispose([x0, noise]);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(bits(learner.state())).toEqual(before);
    learner.dispose();
  });

  test('refuses a state without one of its trees, and stays as it was', async () => {
    const learner = learners[name]();
    await follow(learner, 0, 1);
    const before = bits(learner.state());
    const saved = throughFiles(learner.state());
    const { ema: _, ...trees } = saved.trees;
    expect(() => learner.restore({ ...saved, trees })).toThrow(/expected .*ema.*, got none/);
    expect(bits(learner.state())).toEqual(before);
    for (const tree of Object.values(saved.trees)) disposeParams(tree);
    learner.dispose();
  });
});
