import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { saveBundle } from '@learngene/kind/node';
import type { TensorData } from '@learngene/tensor-io';
import { readSafetensors, writeSafetensors } from '@learngene/tensor-io/node';
import { expectClose, expectNoLeak, relativeError } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  json,
  needEngine,
  PEFT_FIXTURES,
  RECIPE,
  refusal,
  TRANSFORMER,
  trained,
  usePeftFixture,
} from '../../../test/peft';
import { bundleMetadata } from '../../recipe/recipe';
import { DIFFUSERS_FILE } from '../identify';
import { loadModel } from '../load-model';
import { addToBundle } from './change-bundle';
import { changeWords } from './change-words';
import { checkBundle } from './read-bundle';
import { tailorsOfAdapter } from './tailors-of-adapter';

const { bundle, model, fresh, values, outputOf, exported, bundleCopy, onlyCat } = usePeftFixture();

describe('an adapter of PEFT joins a bundle', () => {
  test.each([
    ['rank-2', 2],
    ['list', 1],
    ['rslora', 2],
    ['parts', 2],
  ])('%s exactly, with tailors of rank %s', async (name, rank) => {
    const folder = bundleCopy();
    const before = (await outputOf(folder, 'owl')).dataSync();
    const added = await addToBundle(folder, trained(name), { model: TRANSFORMER, as: 'fox', needEngine });
    expect(added).toMatchObject({ groups: ['owl', 'cat', 'fox'], cut: [] });
    expect(changeWords(folder, added).warnings).toEqual([]);
    expect(json(folder, 'kind.json').config.groups[2]).toEqual({
      ...{ name: 'fox', classes: [2], classNames: ['fox'] },
      ...(rank !== 2 && { tailorRank: rank }),
    });
    expect(relativeError(await outputOf(folder, 'fox'), values(`y.${name}`))).toBeLessThan(1e-5);
    expect((await outputOf(folder, 'owl')).dataSync()).toEqual(before);
    expect(await checkBundle(folder)).toMatchObject({ problems: [], strays: [] });
  });

  test('of a higher rank whole where it is asked for, else cut, and the errors are told', async () => {
    const [whole, cut] = [bundleCopy(), bundleCopy()];
    const options = { model: TRANSFORMER, as: 'fox', needEngine };
    expect((await addToBundle(whole, trained('rank-4'), { ...options, tailorRank: 4 })).cut).toEqual([]);
    expect(relativeError(await outputOf(whole, 'fox'), values('y.rank-4'))).toBeLessThan(1e-5);
    const added = await addToBundle(cut, trained('rank-4'), options);
    // All layers but the keys, whose rank is 2.
    expect(added.cut!.map(({ layer }) => layer)).toHaveLength(10);
    expect(added.cut!.some(({ layer }) => layer.endsWith('.k'))).toBe(false);
    for (const { rank, relativeError: error } of added.cut!) {
      expect(rank).toBe(4);
      expect(error).toBeGreaterThan(0.01);
      expect(error).toBeLessThan(1);
    }
    expect(changeWords(cut, added).warnings[0]).toMatch(/^blocks\.0\.attn\.q: rank 4 was cut, relative error 0\.\d+$/);
    expect(changeWords(cut, added).json).toMatchObject({
      bundle: cut,
      cut: added.cut,
      wrote: ['tailors/fox.safetensors', 'kind.json'],
    });
    const error = relativeError(await outputOf(cut, 'fox'), values('y.rank-4'));
    expect(error).toBeGreaterThan(1e-3);
  });

  test('that was exported comes back under another name, with its numbers', async () => {
    const { out } = await exported(['owl']);
    const folder = bundleCopy();
    expect(await refusal(addToBundle(folder, out, { needEngine }))).toContain("the bundle has a group 'owl' already");
    await addToBundle(folder, out, { as: 'eagle-owl', needEngine });
    const [back, owl] = [await outputOf(folder, 'eagle-owl'), await outputOf(folder, 'owl')];
    expect(relativeError(back, owl)).toBeLessThan(1e-6);
    expect(relativeError(back, await outputOf(folder, 'cat'))).toBeGreaterThan(1e-2);
    // A file of tailors that one can send.
    const sent = join(folder, 'tailors/eagle-owl.safetensors');
    const other = bundleCopy();
    await addToBundle(other, sent, { needEngine });
    expect((await outputOf(other, 'eagle-owl')).dataSync()).toEqual(back.dataSync());
  });

  test('its own name is taken where the bundle has it no more', async () => {
    const { out } = await exported(['owl']);
    const only = await onlyCat();
    expect((await addToBundle(only, out, { needEngine })).groups).toEqual(['cat', 'owl']);
    expect(relativeError(await outputOf(only, 'owl'), await outputOf(bundle, 'owl'))).toBeLessThan(1e-6);
  });

  test.each<[string, string]>([
    ['dora', 'expected a LoRA adapter, got dora'],
    ['pissa', 'expected a LoRA adapter, got pissa'],
    ['loha', 'expected a LoRA adapter, got loha'],
    ['oft', 'expected a LoRA adapter, got oft'],
    ['bias', 'adapter_config.json: bias: expected "none", got "lora_only"'],
    ['saved-modules', 'adapter_config.json: modules_to_save: expected null, got an array of 1'],
    ['adaln', 'got transformer_blocks.0.norm1.linear'],
    ['head', 'got proj_out_2'],
    ['labels', 'got transformer_blocks.0.norm1.emb.class_embedder.embedding_table'],
    ['patches', 'got pos_embed.proj'],
    ['all-linear', 'target_modules: expected only the six main layers of a block'],
  ])('%s is refused by name, and the bundle stays', async (name, message) => {
    const folder = bundleCopy();
    const before = readdirSync(folder, { recursive: true });
    const refused = refusal(addToBundle(folder, trained(name), { model: TRANSFORMER, as: 'fox', needEngine }));
    expect(await refused).toContain(message);
    expect(await refused).toContain(trained(name));
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
  });

  test('every adapter of the fixture is read or refused here', () => {
    const read = ['rank-2', 'list', 'rslora', 'parts', 'rank-4'];
    const refused = [
      'dora',
      'pissa',
      'loha',
      'oft',
      'bias',
      'saved-modules',
      'adaln',
      'head',
      'labels',
      'patches',
      'all-linear',
    ];
    expect(readdirSync(join(PEFT_FIXTURES, 'trained')).sort()).toEqual([...read, ...refused].sort());
  });

  /** A copy of the fixture's model with one thing changed. */
  async function changedModel(change: (tensors: Map<string, TensorData>, config: Record<string, unknown>) => void) {
    const at = fresh('model');
    mkdirSync(at);
    const { tensors } = await readSafetensors(join(TRANSFORMER, DIFFUSERS_FILE));
    const [own, config] = [new Map(tensors), json(TRANSFORMER, 'config.json')];
    change(own, config);
    writeFileSync(join(at, 'config.json'), JSON.stringify(config));
    await writeSafetensors(join(at, DIFFUSERS_FILE), own);
    return at;
  }

  const scaled = (key: string, factor: number) => (tensors: Map<string, TensorData>) => {
    const { shape, data } = tensors.get(key)!;
    tensors.set(key, { dtype: 'F32', shape, data: (data as Float32Array).map((value) => value * factor) });
  };

  test.each<[string, (tensors: Map<string, TensorData>, config: Record<string, unknown>) => void, string]>([
    [
      'weights',
      scaled('transformer_blocks.1.ff.net.2.weight', 1.001),
      'another base: expected the learngenes of the bundle, got others: blocks.1.mlp.out.weight differs by 1.0e-3',
    ],
    ['a shared part', scaled('proj_out_1.bias', -1), 'final.adaln.bias differs by 2.0e+0'],
    ['NaN', scaled('pos_embed.proj.weight', Number.NaN), 'patch.weight differs by NaN'],
    [
      'one copy of an embedder',
      scaled('transformer_blocks.1.norm1.emb.timestep_embedder.linear_1.weight', 2),
      'expected the same numbers as',
    ],
    [
      'heads',
      (_, config) => Object.assign(config, { num_attention_heads: 4, attention_head_dim: 2 }),
      'expected heads 2, as the bundle has, got 4',
    ],
    [
      'an epsilon',
      (_, config) => Object.assign(config, { norm_eps: 1e-5 }),
      'expected mlpNormEps 0.000001, as the bundle has, got 0.00001',
    ],
    [
      'the size of images',
      (_, config) => Object.assign(config, { sample_size: 8 }),
      'expected inputSize 4, as the bundle has, got 8',
    ],
    ['a tensor more', (tensors) => tensors.set('extra', tensors.get('proj_out_1.bias')!), "got key 'extra'"],
  ])('a model with other %s is refused', async (_, change, message) => {
    const at = await changedModel(change);
    const refused = refusal(addToBundle(bundleCopy(), trained('list'), { model: at, as: 'fox', needEngine }));
    expect(await refused).toContain(message);
    expect(await refused).toContain(at);
  });

  test('a model with another null row is refused, one with another row of the class is not', async () => {
    const rows = (from: number, to: number) => (tensors: Map<string, TensorData>) => {
      for (const [key, tensor] of tensors) {
        if (!key.endsWith('embedding_table.weight')) continue;
        const data = (tensor.data as Float32Array).map((value, i) => (i >= from && i < to ? value + 1 : value));
        tensors.set(key, { dtype: 'F32', shape: tensor.shape, data });
      }
    };
    const options = { as: 'fox', needEngine };
    const folder = bundleCopy();
    const nulled = await changedModel(rows(8, 16));
    expect(await refusal(addToBundle(folder, trained('list'), { ...options, model: nulled }))).toContain(
      'label.table differs',
    );
    await addToBundle(folder, trained('list'), { ...options, model: await changedModel(rows(0, 8)) });
    const fox = (await loadModel(folder, ['fox'])).model.params.tailors.fox.label.rows;
    expectClose(fox.dataSync(), tf.add(model().params.tailors.owl.label.rows, 1).dataSync(), { atol: 1e-6, rtol: 0 });
  });

  test.each<[string, () => Promise<unknown>, string]>([
    [
      'an adapter without its model',
      () => addToBundle(bundleCopy(), trained('list'), { as: 'fox', needEngine }),
      'model: expected the folder of the model that the adapter was trained on',
    ],
    [
      'a class without a name',
      () => addToBundle(bundleCopy(), trained('list'), { model: TRANSFORMER, needEngine }),
      'as: expected a name for the class',
    ],
    [
      'a file as the model',
      () =>
        addToBundle(bundleCopy(), trained('list'), { model: join(TRANSFORMER, DIFFUSERS_FILE), as: 'fox', needEngine }),
      'got no config.json in it',
    ],
    [
      'a bundle as the model',
      () => addToBundle(bundleCopy(), trained('list'), { model: bundle, as: 'fox', needEngine }),
      'expected a model of diffusers; this is a bundle',
    ],
    [
      'a rank that no layer can have',
      () => addToBundle(bundleCopy(), trained('list'), { model: TRANSFORMER, as: 'fox', tailorRank: 9, needEngine }),
      'tailorRank: expected a whole number from 1 to 8, got 9',
    ],
    [
      'classes of an adapter',
      () => addToBundle(bundleCopy(), trained('list'), { model: TRANSFORMER, classes: ['fox'], needEngine }),
      'classes: expected none: only a run has groups to choose from',
    ],
    [
      'a rank of a file of tailors',
      () => addToBundle(bundleCopy(), join(bundle, 'tailors/owl.safetensors'), { tailorRank: 2, needEngine }),
      'tailorRank: expected none: it has a part only with an adapter of PEFT',
    ],
    [
      'a model beside a file of tailors',
      () => addToBundle(bundleCopy(), join(bundle, 'tailors/owl.safetensors'), { model: TRANSFORMER, needEngine }),
      'model: expected none: it has a part only with an adapter of PEFT',
    ],
  ])('%s is refused', async (_, call, message) => {
    expect(await refusal(call())).toContain(message);
  });

  test('a bundle with a soft gate is refused, as it is for an export', async () => {
    const { config, params } = model();
    const gate = { weight: tf.zeros<tf.Rank.R2>([2, 8]), bias: tf.zeros<tf.Rank.R1>([2]) };
    const soft = fresh('soft');
    const gated = { config: { ...config, gate: 'soft' as const }, params: { ...params, gate } };
    await saveBundle(soft, gated, { metadata: bundleMetadata(RECIPE) });
    const options = { model: TRANSFORMER, as: 'fox', needEngine };
    expect(await refusal(addToBundle(soft, trained('list'), options))).toContain(
      'got a soft gate, which mixes the tailors',
    );
    expect(await refusal(exported(['owl'], { from: soft }))).toContain('expected a binary gate, got a soft one');
  });

  test('an export of another process is refused, though its weights are the same', async () => {
    const { out } = await exported(['owl']);
    const other = fresh('other-process');
    const cosine = { ...RECIPE, diffusion: { ...RECIPE.diffusion, schedule: 'cosine' as const } };
    await saveBundle(other, model(), { metadata: bundleMetadata(cosine) });
    expect(await refusal(addToBundle(other, out, { as: 'fox', needEngine }))).toContain(
      'another base: expected a model of base',
    );
  });

  test('leaks nothing, also where it is refused', () =>
    expectNoLeak(async () => {
      const options = { model: TRANSFORMER, as: 'fox' };
      await tailorsOfAdapter(bundle, trained('rank-4'), options);
      await refusal(tailorsOfAdapter(bundle, trained('dora'), options));
      await refusal(tailorsOfAdapter(bundle, trained('list'), { model: TRANSFORMER }));
    }));
});
