import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { applyKind, type KindModel } from '@learngene/kind';
import { saveBundle } from '@learngene/kind/node';
import { paramsToTensorData } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import type { TensorData } from '@learngene/tensor-io';
import { writeSafetensors } from '@learngene/tensor-io/node';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { createDiffusionProcess } from '../src/recipe/diffusion-process';
import { bundleMetadata } from '../src/recipe/recipe';
import { guidedDenoiser } from '../src/sample/guided-denoiser';
import { runSampler } from '../src/sample/samplers';
import { RECIPE, usePeftFixture } from './peft';

// The other direction of the fixture: what we write is loaded in diffusers and PEFT. `npm run test:python` sets the
// interpreter, whose packages are those of tools/fixtures/requirements.txt.
const python = process.env.LEARNGENE_PYTHON;
const script = fileURLToPath(new URL('../../../tools/fixtures/make_pipeline_peft.py', import.meta.url));
const { model, fresh, exported } = usePeftFixture();

/** The numbers of a model that diffusers and PEFT must have of its first class. */
async function numbersOf({ config, params }: KindModel): Promise<Map<string, TensorData>> {
  const { classes, inputSize, inChannels } = config.dit;
  const draw = (seed: number, count: number) => {
    const shape: [number, number, number, number] = [count, inputSize, inputSize, inChannels];
    return tf.tensor4d(normal(createGenerator(seed), tf.util.sizeFromShape(shape)), shape);
  };
  const [x, noise, t] = [draw(1, 4), draw(2, 3), tf.tensor1d([0, 250, 750, 999])];
  // In the exported model the owl is label 0, and the null label is the next one.
  const labels = Int32Array.of(0, classes, 0, classes);
  const dropped = config.nullGate === 'own-class' ? Int32Array.of(0, 1, 0, 1) : undefined;
  const ours = dropped ? labels.map(() => 0) : labels;
  const y = applyKind(params, { x, t, labels: ours }, { config, ...(dropped && { dropped }) });
  const inputs = { noise, generator: createGenerator(0), sampling: RECIPE.sampling };
  const denoiser = guidedDenoiser({ config, params }, Int32Array.of(0, 0, 0), RECIPE.sampling.guidance);
  const images = await runSampler(createDiffusionProcess(RECIPE), denoiser, inputs);
  const theirs = tf.tensor1d(Float32Array.from(labels, (label) => (label === classes ? 1 : 0)));
  const tensors = { x, t, labels: theirs, y, noise, images, sampleLabels: tf.zeros([3]) };
  const data = await paramsToTensorData(tensors);
  tf.dispose(tensors);
  return data;
}

describe.skipIf(python === undefined)('in Python', () => {
  test.each([
    ['learngenes', 0],
    ['own-class', 0],
    ['learngenes', 1],
  ] as const)(
    'diffusers and PEFT give the same, null gate %s, frequency shift %i',
    async (nullGate, frequencyShift) => {
      const { config, params } = model();
      const changed = { params, config: { ...config, nullGate, dit: { ...config.dit, frequencyShift } } };
      const from = fresh('bundle');
      await saveBundle(from, changed, { metadata: bundleMetadata(RECIPE) });
      const { out, warnings } = await exported(['owl'], { from });
      expect(warnings).toHaveLength(frequencyShift === 1 ? 0 : 1);
      const { steps, guidance } = RECIPE.sampling;
      const metadata = { steps: String(steps), guidance: String(guidance) };
      await writeSafetensors(join(out, 'check.safetensors'), await numbersOf(changed), { metadata });
      const { status, stdout, stderr } = spawnSync(python!, [script, 'check', out], { encoding: 'utf8' });
      expect(`${status} ${stderr.slice(-2000)}`).toMatch(/^0 /);
      expect(stdout).toMatch(
        /one forward pass as in diffusers with PEFT.*\n.*guided samples as in diffusers with PEFT/,
      );
    },
    300_000,
  );
});
