import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { type ConfigInput, noProgress } from '@learngene/pipeline';
import { writeSafetensors } from '@learngene/tensor-io/node';
import { tinyImages, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { checkDemo } from '../src/demo/check-demo';
import type { DemoPlan } from '../src/demo/plan';
import { PIXEL_PLAN } from '../src/demo/plans';
import { runDemo } from '../src/demo/run-demo';
import { makeImages, makeTinyLatents } from './tiny-latents';

const folder = temporaryFolder('check-demo');
const at = (...parts: string[]) => join(folder, ...parts);

beforeAll(async () => {
  await useTestBackend();
  await makeTinyLatents(folder);
  await makeImages(at('one-each.safetensors'), 1);
  const grey = tinyImages({ channels: 1 });
  await writeSafetensors(at('grey.safetensors'), grey.tensors, { metadata: grey.metadata });
  mkdirSync(at('no-vae'));
  writeFileSync(at('damaged.safetensors'), 'no tensors');
  for (const name of ['bars', 'dots', 'flat']) {
    mkdirSync(at('photos', name), { recursive: true });
    for (const i of [0, 1, 2, 3]) writeFileSync(at('photos', name, `${i}.png`), 'no image');
  }
});

const data = (more: ConfigInput['data'] = {}): ConfigInput['data'] => ({
  source: 'packed',
  path: at('images.safetensors'),
  classes: ['bars', 'dots'],
  novel: ['flat'],
  holdOut: 0.4,
  ...more,
});

function planOf(config: ConfigInput, more: Partial<DemoPlan> = {}): DemoPlan {
  const model = { patchSize: 2, hiddenSize: 16, depth: 1, heads: 2, learngeneRank: 5, tailorRank: 2, ...config.model };
  const training = { steps: 2, batchSize: 8, warmup: 1, checkpointEvery: 2, logEvery: 1, sampleEvery: 0 };
  return {
    ...PIXEL_PLAN,
    pretraining: ['bars', 'dots'],
    novel: ['flat'],
    config: { data: data(), training, sampling: { steps: 2 }, ...config, model },
    transferSteps: 2,
    classifierSteps: 2,
    samplesPerClass: 4,
    scoreSize: 8,
    ...more,
  };
}

const run = (plan: DemoPlan, out: string) =>
  runDemo(plan, { out, engine: 'cpu', seed: 0, progress: noProgress, signal: new AbortController().signal });

describe.each<[string, () => DemoPlan, RegExp]>([
  ['no autoencoder at its path', () => planOf({ autoencoder: { path: at('nowhere') } }), /no autoencoder at .*nowhere/],
  ['a folder that is none', () => planOf({ autoencoder: { path: at('no-vae') } }), /expected the folder of an autoenc/],
  ['a name that is none', () => planOf({ autoencoder: { name: 'emojy' } }), /got "emojy"; did you mean emoji\?/],
  [
    'an autoencoder of other images',
    () => planOf({ autoencoder: { path: at('vae') }, data: data({ path: at('grey.safetensors') }) }),
    /the autoencoder takes images of 3 channels, got 1/,
  ],
  ['a class that is not there', () => planOf({}, { novel: ['flut'] }), /flut/],
  [
    'novel classes of which one image is held out at the most',
    () => planOf({ data: data({ holdOut: 0.1 }) }),
    /2 or more held-out images of the classes kept out, got 1: of 0.1 of each class, and "flat" has 12/,
  ],
  [
    'classes of one image, which are trained on',
    () => planOf({ data: data({ path: at('one-each.safetensors') }) }),
    /of the classes to learn, got 0: of 0.4 of each class, and "bars" has 1, "dots" has 1/,
  ],
  ['data that are not there', () => planOf({ data: data({ path: at('gone.safetensors') }) }), /gone/],
  ['a damaged file of data', () => planOf({ data: data({ path: at('damaged.safetensors') }) }), /damaged/],
  ['patches that do not divide the images', () => planOf({ model: { patchSize: 3 } }), /model\.patchSize: .*got 3/],
  ['ranks that the network does not have', () => planOf({ model: { learngeneRank: 99 } }), /model|rank/i],
])('a demo of %s', (name, plan, message) => {
  test('is refused before anything is done, and leaves nothing behind', async () => {
    await expect(checkDemo(plan(), { seed: 0 })).rejects.toThrow(message);
    const out = at(`out ${name}`);
    await expect(run(plan(), out)).rejects.toThrow(message);
    expect(existsSync(out)).toBe(false);
  });
});

test('a model larger than the memory is refused too', async () => {
  vi.spyOn(os, 'totalmem').mockReturnValue(2 ** 14);
  vi.spyOn(process, 'constrainedMemory').mockReturnValue(0);
  await expect(checkDemo(planOf({}), { seed: 0 })).rejects.toThrow(/^model: [\d,]+ parameters .* this machine has/);
  vi.restoreAllMocks();
});

test('images that cannot be decoded leave nothing behind either, nor in a folder that was there', async () => {
  const plan = planOf({ data: data({ source: 'folder', path: at('photos'), size: 8 }) });
  await checkDemo(plan, { seed: 0 });
  const out = at('there');
  mkdirSync(out);
  await expect(run(plan, out)).rejects.toThrow(/photos.*: expected an image that can be decoded/);
  expect(readdirSync(out)).toEqual([]);
});

test('gives the whole configuration, with the autoencoder filled in', async () => {
  const plan = planOf({ autoencoder: { path: at('vae') }, diffusion: { process: 'flow' } });
  const { autoencoder, seed, sampling } = (await checkDemo(plan, { seed: 3 })).config;
  expect(autoencoder).toMatchObject({ name: 'vae', downscale: 2, latentChannels: 4, scalingFactor: 2 });
  expect([seed, sampling.sampler]).toEqual([3, 'euler']);
});
