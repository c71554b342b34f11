import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ditConfigToDiffusers, ditToDiffusers } from '@learngene/dit';
import type { DenseModel } from '@learngene/kind';
import { disposeParams, paramsToTensorData } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { toFloat32 } from '@learngene/tensor-io';
import { readSafetensors, writeSafetensors } from '@learngene/tensor-io/node';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { openDecoder } from '../src/node/autoencoder';
import { DIFFUSERS_FILE } from '../src/node/identify';
import { describeSource } from '../src/node/path-source';
import { createDiffusionProcess } from '../src/recipe/diffusion-process';
import { guidedDenoiser } from '../src/sample/guided-denoiser';
import { runSampler } from '../src/sample/samplers';

// A transformer that we wrote, in a pipeline of diffusers: `npm run test:python` sets the interpreter.
const python = process.env.LEARNGENE_PYTHON;
const script = fileURLToPath(new URL('../../../tools/fixtures/make_pipeline_diffusers.py', import.meta.url));
const fixture = fileURLToPath(new URL('../fixtures/diffusers', import.meta.url));
const work = temporaryFolder('diffusers-python');

beforeAll(useTestBackend);

describe.skipIf(python === undefined)('in Python', () => {
  // An epsilon of 1e-2 changes images far more than the tolerance, so this tells that diffusers takes it from norm_eps.
  test.each([1e-5, 1e-6, 1e-2])(
    'DiTPipeline loads a transformer of epsilon %s that we wrote, and draws what we draw',
    async (mlpNormEps) => {
      const folder = join(work, `pipeline-${mlpNormEps}`);
      const source = await describeSource(fixture);
      const loaded = (await source.load()) as DenseModel;
      const model = { ...loaded, config: { ...loaded.config, mlpNormEps } };
      for (const part of ['model_index.json', 'scheduler', 'vae'])
        cpSync(join(fixture, part), join(folder, part), { recursive: true });
      const at = join(folder, 'transformer');
      mkdirSync(at);
      writeFileSync(join(at, 'config.json'), JSON.stringify(ditConfigToDiffusers(model.config)));
      const tensors = ditToDiffusers(await paramsToTensorData(model.params), model.config);
      await writeSafetensors(join(at, DIFFUSERS_FILE), tensors, { metadata: { format: 'pt' } });

      const drawn = (await readSafetensors(join(fixture, 'images.safetensors'))).tensors.get('noise')!;
      const noise = tf.tensor4d(toFloat32(drawn).slice(), drawn.shape as [number, number, number, number]);
      const { decode, dispose } = await openDecoder(source.recipe);
      const sampling = { ...source.recipe.sampling, steps: 5, guidance: 1 };
      const denoiser = guidedDenoiser(model, new Int32Array(noise.shape[0]), 1);
      const inputs = { noise, generator: createGenerator(0), sampling };
      const latents = await runSampler(createDiffusionProcess(source.recipe), denoiser, inputs);
      const decoded = await decode!(latents);
      const images = tf.tidy(() => tf.clipByValue(tf.add(tf.div(decoded, 2), 0.5), 0, 1));
      await writeSafetensors(join(folder, 'images.safetensors'), await paramsToTensorData({ noise, images }));
      tf.dispose([noise, latents, decoded, images]);
      disposeParams(model.params);
      dispose();

      const { status, stdout, stderr } = spawnSync(python!, [script, 'check', folder], { encoding: 'utf8' });
      expect(`${status} ${stderr.slice(-2000)}`).toMatch(/^0 /);
      expect(stdout).toMatch(/DiTPipeline gives the same images/);
    },
    300_000,
  );
});
