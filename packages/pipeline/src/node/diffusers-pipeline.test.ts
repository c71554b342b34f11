import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { toFloat32 } from '@learngene/tensor-io';
import { readSafetensors } from '@learngene/tensor-io/node';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../errors';
import { createDiffusionProcess } from '../recipe/diffusion-process';
import { guidedDenoiser } from '../sample/guided-denoiser';
import { runSampler } from '../sample/samplers';
import { openDecoder } from './autoencoder';
import { identify } from './identify';
import { inspectPath } from './inspect/inspect-path';
import { openPipeline } from './open-pipeline';
import { describeSource } from './path-source';

const folder = fileURLToPath(new URL('../../fixtures/diffusers', import.meta.url));
const work = temporaryFolder('diffusers');

beforeAll(useTestBackend);

describe('a pipeline of diffusers', () => {
  test('says its network, process, sampler, classes and autoencoder', async () => {
    const { classNames, dit, recipe } = await describeSource(folder);
    expect(dit).toMatchObject({ hiddenSize: 8, depth: 2, classes: 1000, learnSigma: true, frequencyShift: 1 });
    expect([classNames.length, classNames[0], classNames[207]]).toEqual([1000, 'class 0', 'golden retriever']);
    expect(recipe.diffusion).toMatchObject({ schedule: 'linear', prediction: 'epsilon', variance: 'learned-range' });
    expect(recipe.sampling).toMatchObject({ sampler: 'ddim', steps: 50, guidance: 4, clip: false, spacing: 'leading' });
    expect(recipe.autoencoder).toMatchObject({ latentChannels: 4, downscale: 2, scalingFactor: 0.18215 });
    expect(await identify(folder)).toEqual({ kind: 'dense', what: 'a DiTPipeline of diffusers' });
    expect(await inspectPath(folder, { needEngine: async () => {} })).toMatchObject({ layout: 'diffusers' });
  });

  test.each([
    ['guided.5', 5, 4],
    ['guided.7', 7, 4],
    ['plain.10', 10, 1],
  ])('gives the images of DiTPipeline: %s', async (name, steps, guidance) => {
    const { tensors } = await readSafetensors(join(folder, 'images.safetensors'));
    const source = await describeSource(folder);
    const model = await source.load();
    const { decode, dispose } = await openDecoder(source.recipe);
    const noise = tf.tensor4d(
      toFloat32(tensors.get('noise')!),
      tensors.get('noise')!.shape as [number, number, number, number],
    );
    const latents = await runSampler(
      createDiffusionProcess(source.recipe),
      guidedDenoiser(model, Int32Array.of(207, 360), guidance),
      {
        noise,
        generator: createGenerator(0),
        sampling: { ...source.recipe.sampling, steps, guidance },
      },
    );
    const decoded = await decode!(latents);
    const images = tf.tidy(() => tf.clipByValue(tf.add(tf.div(decoded, 2), 0.5), 0, 1));
    const [ours, theirs] = [Float32Array.from(await images.data()), toFloat32(tensors.get(name)!)];
    const error = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0);
    expect(images.shape).toEqual(tensors.get(name)!.shape);
    expect(error).toBeLessThan(1e-5);
    expect(new Set(theirs.slice(0, 100)).size).toBeGreaterThan(50); // not saturated
    tf.dispose([noise, latents, decoded, images]);
    disposeParams(model.params as unknown as ParamTree);
    dispose();
  });

  test('opens as every model does', async () => {
    const pipeline = await openPipeline(folder);
    const images = await pipeline.sample({ classes: ['otter'], steps: 2 });
    expect([images.count, images.height, images.width, images.channels]).toEqual([1, 16, 16, 3]);
    await expect(pipeline.sample({ classes: ['otter'], sampler: 'unipc', spacing: 'leading' })).rejects.toThrow(
      /^spacing: has no part with the sampler unipc/,
    );
    pipeline.dispose();
  });

  test.each<[string, string, (json: Record<string, unknown>) => void, RegExp]>([
    [
      'a field of the network',
      'transformer/config.json',
      (json) => (json.gated = true),
      /gated: expected no such field/,
    ],
    [
      'a field of the scheduler',
      'scheduler/scheduler_config.json',
      (json) => (json.karras = 1),
      /karras: expected no such/,
    ],
    ['a field of the autoencoder', 'vae/config.json', (json) => (json.tiles = 1), /'tiles'/],
    [
      'a shift of the autoencoder',
      'vae/config.json',
      (json) => (json.shift_factor = 0.1),
      /shift_factor: expected 0 or none/,
    ],
    ['a part of the pipeline', 'model_index.json', (json) => (json.unet = ['a', 'b']), /unet: expected no such part/],
  ])('%s that is unknown is refused with the path', async (name, file, change, message) => {
    const copy = join(work, name.replaceAll(' ', '-'));
    cpSync(folder, copy, { recursive: true });
    const json = JSON.parse(readFileSync(join(copy, file), 'utf8'));
    change(json);
    writeFileSync(join(copy, file), JSON.stringify(json));
    const error = (await describeSource(copy).catch((e: unknown) => e)) as Error;
    expect(error).toBeInstanceOf(ConfigError);
    const told = [error, error.cause as Error, (error.cause as Error)?.cause as Error]
      .map((e) => e?.message)
      .join(': ');
    expect(told).toMatch(message);
    expect(told).toContain(join(copy, file.split('/')[0]));
  });

  test('a part that is missing is named', async () => {
    const copy = join(work, 'missing');
    cpSync(folder, copy, { recursive: true });
    rmSync(join(copy, 'scheduler'), { recursive: true });
    await expect(describeSource(copy)).rejects.toThrow(join(copy, 'scheduler/scheduler_config.json'));
    writeFileSync(join(copy, 'model_index.json'), '{"_class_name": "FluxPipeline"}');
    expect((await identify(copy)).what).toBe('a pipeline of diffusers that is no DiTPipeline (FluxPipeline)');
  });
});
