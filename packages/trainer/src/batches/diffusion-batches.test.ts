import { inMemoryDataset } from '@learngene/datasets';
import { flowMatching, gaussianDiffusion } from '@learngene/diffusion';
import type { DiffusionProcess } from '@learngene/pipeline';
import { createGenerator } from '@learngene/random';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DiffusionBatch } from '../contracts/diffusion';
import { diffusionBatch } from './diffusion-batch';
import { type DiffusionBatchesState, diffusionBatches } from './diffusion-batches';
import { type BatchRandomness, type SavedRandomnessOptions, savedRandomness, streamRandomness } from './randomness';

beforeAll(useTestBackend);

const gaussian = (timesteps: number) =>
  gaussianDiffusion({ schedule: 'cosine', timesteps, prediction: 'x0', variance: 'fixed-small', loss: 'mse' });
const process = gaussian(1000);
const labels = Int32Array.of(2, 0, 1, 2, 0, 1, 1, 2);
const images = new Uint8Array(labels.length * 4).map((_, i) =>
  i % 4 === 0 ? 10 * labels[Math.floor(i / 4)] + Math.floor(i / 4) : 255,
);
const size = { count: labels.length, pixels: 4 };

function make(randomness: BatchRandomness, droppedKeepGroup = false, step = 0): DiffusionBatch {
  const draws = randomness.draw(step, size);
  const { drawnFor } = randomness;
  return diffusionBatch({ images, labels }, { shape: [2, 2, 1], draws, drawnFor, droppedKeepGroup });
}

const saved = (labelDropout: number, seed = 3) =>
  savedRandomness({ process, labelDropout, generator: createGenerator(seed) });

const release = ({ x0, noise }: DiffusionBatch) => tf.dispose([x0, noise]);

describe('a batch', () => {
  test('is ordered by class, keeps the order inside a class, and moves the images along', async () => {
    const batch = make(saved(0));
    expect([...batch.labels]).toEqual([0, 0, 1, 1, 1, 2, 2, 2]);
    expect([...batch.dropped]).toEqual(new Array(8).fill(0));
    const values = await batch.x0.data();
    expect(batch.x0.shape).toEqual([8, 2, 2, 1]);
    const first = Array.from({ length: 8 }, (_, i) => Math.round((values[i * 4] + 1) * 127.5));
    expect(first).toEqual([1, 4, 12, 15, 16, 20, 23, 27]);
    expect(values[1]).toBe(1);
    release(batch);
  });
  test('has the samples without a label first where they use the learngenes alone', () => {
    const batch = make(saved(0.5));
    const count = batch.dropped.reduce((a, b) => a + b);
    expect(count).toBe(6);
    expect([...batch.dropped]).toEqual([...new Array(count).fill(1), ...new Array(8 - count).fill(0)]);
    const rest = [...batch.labels.subarray(count)];
    expect(rest).toEqual([...rest].sort());
    release(batch);
  });
  test('and beside their class where they use its tailors', () => {
    const batch = make(saved(0.5), true);
    expect([...batch.labels]).toEqual([0, 0, 1, 1, 1, 2, 2, 2]);
    release(batch);
  });
  test('repeats with its generator and leaves nothing behind', async () => {
    await expectNoLeak(() => {
      const [a, b, c] = [make(saved(0.3)), make(saved(0.3)), make(saved(0.3, 4))];
      expect(a.noise.dataSync()).toEqual(b.noise.dataSync());
      expect(a.noise.dataSync()).not.toEqual(c.noise.dataSync());
      for (const batch of [a, b, c]) release(batch);
    });
  });
});

describe('a stream for every step', () => {
  const draw = async (droppedKeepGroup: boolean, more: { step?: number; seed?: number; purpose?: string } = {}) => {
    const { step = 5, seed = 1, purpose = 'p' } = more;
    const batch = make(streamRandomness({ process, labelDropout: 0.4, seed, purpose }), droppedKeepGroup, step);
    const [pixels, noise] = [await batch.x0.data(), await batch.noise.data()];
    release(batch);
    const { t, labels: own, dropped } = batch;
    return Array.from(own, (label, i) => ({
      pixel: pixels[4 * i],
      noise: [...noise.slice(4 * i, 4 * i + 4)],
      t: t[i],
      label,
      dropped: dropped[i],
    }));
  };
  const byPixel = (rows: Awaited<ReturnType<typeof draw>>) => [...rows].sort((a, b) => a.pixel - b.pixel);

  test('gives an image the same noise, timestep and label in whatever order a model wants', async () => {
    const [first, beside] = [await draw(false), await draw(true)];
    expect(byPixel(first)).toEqual(byPixel(beside));
    expect(first).not.toEqual(beside);
    expect(beside.map(({ label }) => label)).toEqual([...labels].sort());
    const gates = first.map(({ dropped, label }) => (dropped ? -1 : label));
    expect(gates).toEqual([...gates].sort((a, b) => a - b));
  });
  test('and others in every step, seed and purpose', async () => {
    const noise = (rows: Awaited<ReturnType<typeof draw>>) => byPixel(rows).map((row) => row.noise);
    const own = noise(await draw(true));
    for (const more of [{ step: 6 }, { seed: 2 }, { purpose: 'q' }]) {
      expect(noise(await draw(true, more))).not.toEqual(own);
    }
  });
});

describe('a batch maker', () => {
  const data = inMemoryDataset({
    name: 'i',
    classes: ['a', 'b', 'c'],
    height: 2,
    width: 2,
    channels: 1,
    images,
    labels,
  });
  const values = ({ x0, noise, t, dropped, weights }: DiffusionBatch) => ({
    x0: [...x0.dataSync()],
    noise: [...noise.dataSync()],
    t: [...t],
    dropped: [...dropped],
    weights: weights && [...weights],
  });
  type Sampler = SavedRandomnessOptions['timestepSampler'];
  const start = (timestepSampler: Sampler, of: DiffusionProcess, state?: DiffusionBatchesState) =>
    diffusionBatches({
      data,
      batchSize: 3,
      flip: true,
      seed: 7,
      stream: 'batches',
      randomness: savedRandomness({
        process: of,
        labelDropout: 0.3,
        generator: createGenerator(9),
        timestepSampler,
        state,
      }),
      droppedKeepGroup: false,
      state: state?.images,
    });

  test.each<[string, Sampler, DiffusionProcess]>([
    ['uniform', 'uniform', gaussian(2)],
    ['loss-second-moment', 'loss-second-moment', gaussian(2)],
    ['uniform in [0, 1]', 'uniform', flowMatching({})],
    ['logit-normal', { kind: 'logit-normal', mean: 0.5, std: 0.3 }, flowMatching({})],
  ])('goes on from its state, timesteps %s', async (_, sampler, of) => {
    const follow = async (maker: ReturnType<typeof start>, from: number, steps: number) => {
      const seen = [];
      for (let step = from; step < from + steps; step++) {
        const batch = await maker.next(step);
        seen.push(values(batch));
        const sampleLosses = Float32Array.from(batch.t, (t) => 1 + t + step / 10);
        maker.observe?.(batch, { loss: 1, gradientNorm: 1, sampleLosses });
        maker.release(batch);
      }
      return seen;
    };
    const unbroken = start(sampler, of);
    const all = await follow(unbroken, 0, 14);
    unbroken.close();
    const first = start(sampler, of);
    await follow(first, 0, 10);
    const state = JSON.parse(JSON.stringify(first.state()));
    first.close();
    const second = start(sampler, of, state);
    expect(await follow(second, 10, 4)).toEqual(all.slice(10));
    second.close();
    expect(all.some(({ weights }) => weights?.some((weight) => weight !== 1))).toBe(sampler === 'loss-second-moment');
  });
});

test('a flow has no numbered timesteps to sample by their losses', () => {
  const options = { process: flowMatching({}), labelDropout: 0, generator: createGenerator(0) };
  expect(() => savedRandomness({ ...options, timestepSampler: 'loss-second-moment' })).toThrow(
    "timestepSampler: expected 'uniform' or logit-normal for a flow, got 'loss-second-moment'",
  );
  const logitNormal = { ...options, process, timestepSampler: { kind: 'logit-normal' } as const };
  const message =
    "timestepSampler: expected 'uniform' or 'loss-second-moment' for Gaussian diffusion, got logit-normal";
  expect(() => savedRandomness(logitNormal)).toThrow(message);
  expect(() => streamRandomness({ ...logitNormal, seed: 0, purpose: 'p' })).toThrow(message);
  const { t } = savedRandomness(options).draw(0, { count: 100, pixels: 1 });
  expect(t.every((time) => time > 0 && time < 1)).toBe(true);
  expect(t.some((time) => time !== Math.round(time))).toBe(true);
});

test('the times of a flow follow the distribution that is asked for; a stream draws the same law', () => {
  const options = { process: flowMatching({}), labelDropout: 0, generator: createGenerator(0) };
  const narrow = { kind: 'logit-normal', mean: 1, std: 0.01 } as const;
  const drawn = [
    savedRandomness({ ...options, timestepSampler: narrow }),
    streamRandomness({ ...options, seed: 4, purpose: 'p', timestepSampler: narrow }),
  ].map((randomness) => randomness.draw(0, { count: 50, pixels: 1 }).t);
  for (const t of drawn) for (const time of t) expect(Math.abs(time - 1 / (1 + Math.exp(-1)))).toBeLessThan(0.02);
  const even = savedRandomness({ ...options, timestepSampler: 'uniform' }).draw(0, { count: 4000, pixels: 1 }).t;
  const outside = Array.from(even).filter((time) => time < 0.05 || time > 0.95).length;
  expect(Math.abs(outside / 4000 - 0.1)).toBeLessThan(0.02); // of a standard logit-normal 0.003
});
