import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KindModel } from '@learngene/kind';
import { saveBundle } from '@learngene/kind/node';
import { createGenerator } from '@learngene/random';
import { toFloat32 } from '@learngene/tensor-io';
import { readSafetensors } from '@learngene/tensor-io/node';
import { expectClose, expectNoLeak, relativeError } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { json, needEngine, PEFT_FIXTURES, RECIPE, refusal, TRANSFORMER, usePeftFixture } from '../../../test/peft';
import { createDiffusionProcess } from '../../recipe/diffusion-process';
import { bundleMetadata } from '../../recipe/recipe';
import { guidedDenoiser } from '../../sample/guided-denoiser';
import { runSampler } from '../../sample/samplers';
import { DIFFUSERS_FILE, identify } from '../identify';
import { loadModel } from '../load-model';
import { openPipeline } from '../open-pipeline';
import { addToBundle } from './change-bundle';
import { exportPeft, exportWords } from './export-peft';
import { listBundle } from './read-bundle';

const { bundle, model, fresh, values, output, outputOf, exported, bundleCopy, onlyCat } = usePeftFixture();

/** A bundle whose cat has the tailors of the owl too. */
async function catOfBothGroups(): Promise<string> {
  const folder = fresh('both');
  const { config, params } = model();
  const { owl, cat } = params.tailors;
  const rows = tf.concat([owl.label.rows, cat.label.rows], 0) as tf.Tensor2D;
  const groups = [{ name: 'owl', classes: [0, 1], classNames: ['owl', 'cat'] }, config.groups[1]];
  const both = {
    config: { ...config, groups },
    params: { ...params, tailors: { owl: { ...owl, label: { rows } }, cat } },
  };
  await saveBundle(folder, both, { metadata: bundleMetadata(RECIPE) });
  return folder;
}

describe('exportPeft', () => {
  test('a class in two groups has the components of both in its adapter, which comes back as its tailors', async () => {
    const both = await catOfBothGroups();
    const { out, told } = await exported(['cat'], { from: both });
    expect(told).toMatchObject({ group: 'cat', classes: ['cat'], rank: 4 });
    await addToBundle(both, out, { as: 'copy', tailorRank: 4, needEngine });
    const { model: grown } = await loadModel(both);
    const [cat, copy] = ['cat', 'copy'].map(
      (name) => grown.config.groups.find((group) => group.name === name)!.classes[0],
    );
    const [expected, actual] = [cat, copy].map((id) => output(grown, [id, id, id]));
    expectClose(actual, expected, { rtol: 1e-5, atol: 1e-6 });
    expect(relativeError(output(grown, [0, 0, 0]), expected)).toBeGreaterThan(1e-3);
    expect(await refusal(exportPeft(both, fresh('two'), { classes: ['owl', 'cat'], needEngine }))).toContain(
      'classes: expected classes of one group, whose tailors the adapter has, got "owl" and "cat" of another',
    );
  });

  test('writes the model and the adapter that diffusers and PEFT have', async () => {
    const { out, told, warnings } = await exported(['owl']);
    expect(told).toMatchObject({ group: 'owl', classes: ['owl'], nullGate: 'learngenes', rank: 2 });
    expect(exportWords(told)).toBe(`model of the learngenes, LoRA of rank 2 for owl, base ${told.base.slice(0, 12)}`);
    expect(told.base).toBe((await listBundle(bundle)).base);
    expect(json(out, 'learngene.json')).toMatchObject({ base: told.base, group: 'owl', downscale_freq_shift: 0 });
    expect(warnings).toEqual([expect.stringMatching(/downscale_freq_shift .* to 0/)]);
    const read = (folder: string, file: string) => readSafetensors(join(folder, file));
    const [ours, theirs] = await Promise.all(
      [join(out, 'transformer'), TRANSFORMER].map((at) => read(at, DIFFUSERS_FILE)),
    );
    expect([...ours.tensors.keys()].sort()).toEqual([...theirs.tensors.keys()].sort());
    for (const [key, tensor] of theirs.tensors) {
      const own = ours.tensors.get(key)!;
      expect([key, own.shape]).toEqual([key, tensor.shape]);
      expectClose(toFloat32(own), toFloat32(tensor), { atol: 1e-6, rtol: 1e-6 });
    }
    const { _diffusers_version: _, ...described } = json(TRANSFORMER, 'config.json');
    expect(json(out, 'transformer/config.json')).toMatchObject(
      Object.fromEntries(Object.entries(described).filter(([, value]) => value !== null)),
    );
    const [lora, wanted] = await Promise.all(
      [join(out, 'adapter'), join(PEFT_FIXTURES, 'adapter')].map((at) => read(at, 'adapter_model.safetensors')),
    );
    expect(new Map([...lora.tensors].sort())).toEqual(new Map([...wanted.tensors].sort()));
    const [config, peft] = [join(out, 'adapter'), join(PEFT_FIXTURES, 'adapter')].map((at) =>
      json(at, 'adapter_config.json'),
    );
    for (const field of ['peft_type', 'r', 'lora_alpha', 'target_modules', 'bias', 'use_rslora', 'use_dora']) {
      expect([field, config[field]]).toEqual([field, peft[field]]);
    }
    // The learngenes with the row of the owl draw no owl.
    await expect(openPipeline(join(out, 'transformer'))).rejects.toMatchObject({ code: 'recipe-missing' });
    expect(json(out, 'learngene.json').recipe.sampling).toEqual(RECIPE.sampling);
    expect(await identify(out)).toMatchObject({ kind: 'adapter' });
    expect(await identify(join(out, 'adapter'))).toEqual({ kind: 'adapter', what: 'an adapter of PEFT' });
  });

  test('of no class is the model of the learngenes, which learngene samples as the class-agnostic one', async () => {
    const { out, told } = await exported([]);
    expect(told).toMatchObject({ group: null, rank: null });
    expect(exportWords(told)).toContain('no adapter');
    expect(existsSync(join(out, 'adapter'))).toBe(false);
    expect(await identify(out)).toMatchObject({ kind: 'part', what: expect.stringContaining('without an adapter') });
    const pipeline = await openPipeline(join(out, 'transformer'));
    expect(pipeline.classNames).toEqual(['learngenes']);
    pipeline.dispose();
    const { tensors } = await readSafetensors(join(out, 'transformer', DIFFUSERS_FILE));
    const table = tensors.get('transformer_blocks.1.norm1.emb.class_embedder.embedding_table.weight')!;
    const rows = toFloat32(table);
    expect([table.shape, rows.slice(0, 8)]).toEqual([[2, 8], rows.slice(8)]);
  });

  test('agrees with one forward pass of diffusers and PEFT, label by label', () => {
    tf.tidy(() => {
      expect(relativeError(output(model(), [0, 2, 0]), values('y.owl'))).toBeLessThan(1e-5);
      const unlabelled = tf.slice(output(model(), [2, 2, 2]), 1, 1);
      expect(relativeError(unlabelled, tf.slice(values('y.learngenes'), 1, 1))).toBeLessThan(1e-5);
    });
  });

  test.each([
    ['images', 'learngenes'],
    ['images.own-class', 'own-class'],
  ] as const)('agrees with the guided %s of diffusers and PEFT', async (name, nullGate) => {
    const gated = { ...model(), config: { ...model().config, nullGate } };
    const noise = values('noise') as tf.Tensor4D;
    const generator = createGenerator(0);
    const inputs = { noise, generator, sampling: RECIPE.sampling };
    const images = await runSampler(
      createDiffusionProcess(RECIPE),
      guidedDenoiser(gated, Int32Array.of(0, 0), 3),
      inputs,
    );
    const wanted = values(name);
    expect(relativeError(images, wanted)).toBeLessThan(1e-5);
    tf.dispose([noise, images, wanted]);
  });

  test('takes a class of several, and several, of one group', async () => {
    const { config, params } = model();
    const groups = [{ name: 'birds', classes: [1, 0], classNames: ['hen', 'owl'] }];
    const rows = tf.tidy(() => tf.concat([params.tailors.cat.label.rows, params.tailors.owl.label.rows], 0));
    const birds = { blocks: params.tailors.owl.blocks, label: { rows } };
    const from = fresh('birds');
    const both = { config: { ...config, groups }, params: { ...params, tailors: { birds } } };
    await saveBundle(from, both, { metadata: bundleMetadata(RECIPE) });
    const table = async (out: string) => {
      const { tensors } = await readSafetensors(join(out, 'transformer', DIFFUSERS_FILE));
      return toFloat32(tensors.get('transformer_blocks.0.norm1.emb.class_embedder.embedding_table.weight')!);
    };
    const one = await exported(['owl'], { from });
    expect(one.told).toMatchObject({ group: 'owl', classes: ['owl'] });
    expect(await table(one.out)).toEqual(await table((await exported(['owl'])).out));
    const two = await exported(['owl', 'hen'], { from });
    expect(two.told).toMatchObject({ group: 'birds', classes: ['owl', 'hen'] });
    expect((await table(two.out)).slice(0, 8)).toEqual((await table(one.out)).slice(0, 8));
    const added = await onlyCat();
    expect((await addToBundle(added, two.out, { as: 'more birds', needEngine })).groups).toEqual(['cat', 'more birds']);
    expect(json(added, 'kind.json').config.groups[1]).toEqual({
      ...{ name: 'more birds', classes: [1, 2], classNames: ['owl', 'hen'] },
    });
    expect(relativeError(await outputOf(added, 'more birds'), await outputOf(bundle, 'owl'))).toBeLessThan(1e-6);
    rows.dispose();
  });

  test.each<[string, readonly string[], (config: KindModel['config']) => object, string]>([
    ['a class that is not there', ['fox'], () => ({}), 'classes: the model has no class "fox"'],
    ['a class twice', ['owl', 'owl'], () => ({}), 'classes: expected each class once, got "owl" twice'],
    [
      'classes of two groups',
      ['owl', 'cat'],
      () => ({}),
      'classes: expected classes of one group, whose tailors the adapter has, got "owl" and "cat" of another',
    ],
    ['a soft gate', ['owl'], () => ({ gate: 'soft' }), 'expected a binary gate, got a soft one'],
    [
      'a network that diffusers has no config for',
      ['owl'],
      (config) => ({ dit: { ...config.dit, mlpRatio: 2 } }),
      'diffusers has no such network: mlpRatio: expected 4 in diffusers, got 2',
    ],
  ])('refuses %s, and writes nothing', async (_, classes, change, message) => {
    const from = bundleCopy();
    // Of the version before the checksum of kind.json itself.
    const { checksum: _checksum, ...manifest } = json(from, 'kind.json');
    writeFileSync(
      join(from, 'kind.json'),
      JSON.stringify({ ...manifest, version: 3, config: { ...manifest.config, ...change(model().config) } }),
    );
    const out = fresh('refused');
    expect(await refusal(exportPeft(from, out, { classes, needEngine }))).toContain(message);
    expect(existsSync(out)).toBe(false);
  });

  test('replaces a folder only where it is told to, and leaks nothing', async () => {
    const { out } = await exported(['owl']);
    expect(await refusal(exportPeft(bundle, out, { classes: ['cat'], needEngine }))).toContain(out);
    await expectNoLeak(async () => {
      await exportPeft(bundle, out, { classes: ['cat'], replace: true, needEngine });
    });
    expect(json(out, 'learngene.json').group).toBe('cat');
  });
});
