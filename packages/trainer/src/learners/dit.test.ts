import { initLowRankDit } from '@learngene/adapters';
import { gaussianDiffusion } from '@learngene/diffusion';
import { ditConfig } from '@learngene/dit';
import { cloneParams, disposeParams, flattenParams, mapParams, type ParamTree } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { diffusionBatch } from '../batches/diffusion-batch';
import { streamRandomness } from '../batches/randomness';
import { freshTree } from './adamw-tree';
import { ditLearner } from './dit';

beforeAll(useTestBackend);

const dit = ditConfig({
  inputSize: 8,
  patchSize: 4,
  inChannels: 3,
  hiddenSize: 16,
  depth: 2,
  heads: 2,
  classes: 2,
  learnSigma: false,
});

const process = gaussianDiffusion({
  schedule: 'cosine',
  timesteps: 1000,
  prediction: 'x0',
  variance: 'fixed-small',
  loss: 'mse',
});

/** How far one step of a low-rank model moves every leaf. */
async function moves(start: ParamTree, factorLearningRateScale: number): Promise<Map<string, Float32Array>> {
  const learner = ditLearner(freshTree(cloneParams(start)), {
    config: dit,
    form: 'low-rank',
    process,
    factorLearningRateScale,
  });
  const images = new Uint8Array(4 * 192).map((_, i) => (i * 53) % 256);
  const { drawnFor, draw } = streamRandomness({ process, labelDropout: 0, seed: 1, purpose: 'test' });
  const draws = draw(0, { count: 4, pixels: 192 });
  const batch = diffusionBatch(
    { images, labels: Int32Array.of(0, 1, 0, 1) },
    { shape: [8, 8, 3], draws, drawnFor, droppedKeepGroup: true },
  );
  await learner.step(batch, { learningRate: 1e-3, emaDecay: 0.5, clipNorm: 1 });
  tf.dispose([batch.x0, batch.noise]);
  const after = flattenParams(learner.state().trees.params);
  const moved = new Map(
    [...flattenParams(start)].map(([name, leaf]) => {
      const now = after.get(name)!.dataSync();
      return [name, (leaf.dataSync() as Float32Array).map((value, i) => now[i] - value)];
    }),
  );
  expect(after.size).toBe(moved.size);
  learner.dispose();
  return moved;
}

test('factored layers move at their part of the learning rate, all else as ever, and nothing leaks', async () => {
  const g = createGenerator(0);
  // adaLN starts at zero, and nothing inside would have a gradient.
  const start = mapParams(
    (tensor) => tf.add(tensor, tf.tensor(normal(g, tensor.size, { std: 0.05 }), tensor.shape)),
    initLowRankDit(g, dit, { rank: 4 }) as ParamTree,
  );
  const before = tf.memory().numTensors;
  const [whole, part] = [await moves(start, 1), await moves(start, 0.25)];
  expect(tf.memory().numTensors).toBe(before);
  for (const [name, moved] of whole) {
    const expected = name.startsWith('blocks.') && !name.includes('adaln') ? 0.25 : 1;
    for (const [i, change] of moved.entries())
      expect(Math.abs(part.get(name)![i] - expected * change), name).toBeLessThan(2e-6);
  }
  const largest = (name: string) => Math.max(...whole.get(name)!.map(Math.abs));
  expect(largest('blocks.0.attn.q.u')).toBeGreaterThan(5e-4);
  expect(largest('blocks.0.adaln.weight')).toBeGreaterThan(5e-4);
  disposeParams(start);
});
