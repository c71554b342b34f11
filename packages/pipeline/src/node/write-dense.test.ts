import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assembleFactoredAsync, type KindModel } from '@learngene/kind';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { readSafetensors } from '@learngene/tensor-io/node';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../errors';
import { noProgress } from '../progress';
import { describeModel, loadModel } from './load-model';
import { openPipeline } from './open-pipeline';
import { type DenseLayout, writeDense } from './write-dense';

const fixtures = fileURLToPath(new URL('../../fixtures/format-1', import.meta.url));
const work = temporaryFolder('dense');
const bundle = join(fixtures, 'bundle');

beforeAll(useTestBackend);

/** The bundle's model of some groups, and the configuration that it was trained with; the caller disposes its tensors. */
async function modelOf(groups: readonly string[]) {
  const [{ model }, { config }] = await Promise.all([loadModel(bundle, groups), describeModel(bundle)]);
  const assembled = (await assembleFactoredAsync(model, { groups })) as KindModel;
  disposeParams(model.params as unknown as ParamTree);
  return { model: assembled, config };
}

async function write(out: string, layout: DenseLayout, change: (model: KindModel) => KindModel = (model) => model) {
  const { model, config } = await modelOf(['dots']);
  const warnings: string[] = [];
  const progress = { ...noProgress, warn: (text: string) => void warnings.push(text) };
  try {
    return { ...(await writeDense(out, change(model), { layout, config, progress, argument: '--layout' })), warnings };
  } finally {
    disposeParams(model.params as unknown as ParamTree);
  }
}

const DIFFUSERS = 'diffusion_pytorch_model.safetensors';

describe('writeDense', () => {
  test.each<[DenseLayout, string, string]>([
    ['learngene', 'new/dots.safetensors', 'dots.safetensors'],
    ['diffusers', 'new/diffusers', 'diffusers'],
  ])('writes in layout %s the tensors that an older version wrote', async (layout, name, before) => {
    const out = join(work, name);
    const written = await write(out, layout);
    const weights = (path: string) => readSafetensors(layout === 'diffusers' ? join(path, DIFFUSERS) : path);
    const [now, then] = await Promise.all([weights(out), weights(join(fixtures, before))]);
    expect(now.tensors).toEqual(then.tensors);
    expect(written.config).toMatchObject({ classes: 1, hiddenSize: 8, depth: 1 });
    expect(JSON.parse(now.metadata.classes)).toEqual(['dots']);
    expect(JSON.parse(now.metadata.config)).toEqual(written.config);
    if (layout === 'learngene') expect(written.tensors).toBe(then.tensors.size);
    else {
      const description = (path: string) => JSON.parse(readFileSync(join(path, 'config.json'), 'utf8'));
      // Older versions wrote 1e-5 whatever the model has. In diffusers norm_eps is that of the norm before the MLP alone.
      expect(description(join(fixtures, before)).norm_eps).toBe(1e-5);
      expect(written.config.mlpNormEps).toBe(1e-6);
      expect(description(out)).toEqual({ ...description(join(fixtures, before)), norm_eps: 1e-6 });
    }
  });

  test('draws the same images from every layout', async () => {
    const images: Uint8Array[] = [];
    for (const layout of ['learngene', 'facebook', 'diffusers'] as const) {
      const out = join(work, layout === 'diffusers' ? 'same' : `same-${layout}.safetensors`);
      await write(out, layout);
      const pipeline = await openPipeline(out);
      expect(pipeline.classNames).toEqual(['dots']);
      images.push((await pipeline.sample({ count: 2, seed: 4 })).data);
      pipeline.dispose();
    }
    expect(new Set(images[0]).size).toBeGreaterThan(20);
    expect(images[1]).toEqual(images[0]);
    expect(images[2]).toEqual(images[0]);
  });

  test('writes no null row in the layout facebook for a model that never dropped labels, and reads it', async () => {
    const out = join(work, 'undropped.safetensors');
    const undropped = (model: KindModel) => ({
      ...model,
      config: { ...model.config, dit: { ...model.config.dit, labelDropout: 0 } },
    });
    await write(out, 'facebook', undropped);
    const { tensors } = await readSafetensors(out);
    expect(tensors.get('y_embedder.embedding_table.weight')?.shape).toEqual([1, 8]);
    const [with_, without] = [join(work, 'dropped.safetensors'), out];
    await write(with_, 'facebook');
    const images: Uint8Array[] = [];
    for (const path of [with_, without]) {
      const pipeline = await openPipeline(path);
      images.push((await pipeline.sample({ count: 2, seed: 4, guidance: 1 })).data);
      pipeline.dispose();
    }
    expect(images[1]).toEqual(images[0]);
  });

  test('says that diffusers draws other images of timesteps of other frequencies', async () => {
    expect((await write(join(work, 'warned'), 'diffusers')).warnings).toEqual([
      expect.stringMatching(/warned: diffusers embeds timesteps a little differently/),
    ]);
    expect((await write(join(work, 'unwarned.safetensors'), 'facebook')).warnings).toEqual([]);
  });

  test('refuses a network that diffusers has no name for, by the argument, and writes nothing', async () => {
    const out = join(work, 'nameless');
    const dit = (model: KindModel) => ({
      ...model,
      config: { ...model.config, dit: { ...model.config.dit, mlpRatio: 2 } },
    });
    const refused = write(out, 'diffusers', dit);
    await expect(refused).rejects.toThrow(ConfigError);
    await expect(refused).rejects.toMatchObject({
      message: '--layout diffusers',
      cause: expect.objectContaining({ message: expect.stringContaining('mlpRatio') }),
    });
    expect(existsSync(out)).toBe(false);
  });

  test('refuses a model of several groups', async () => {
    const { model, config } = await modelOf(['bars', 'dots']);
    const out = join(work, 'two.safetensors');
    const options = { layout: 'learngene' as const, config, progress: noProgress };
    await expect(writeDense(out, model, options)).rejects.toThrow(/group: .*bars.*dots/);
    expect(existsSync(out)).toBe(false);
    disposeParams(model.params as unknown as ParamTree);
  });

  test('leaks nothing', () =>
    expectNoLeak(async () => {
      await write(join(work, 'leak.safetensors'), 'learngene');
    }));
});
