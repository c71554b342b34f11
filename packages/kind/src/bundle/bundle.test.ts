import { disposeParams } from '@learngene/nn';
import { decodeSafetensors } from '@learngene/tensor-io';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { memory } from '../../test/memory-bundle';
import { olderBundle } from '../../test/older-bundle';
import { bits, randomModel, tinyConfig } from '../../test/random-model';
import { assembleFactored } from '../assemble';
import { countAssembled } from '../count-assembled';
import { baseHash, decomposeKind } from './decompose';
import { tailorFiles } from './file-names';
import { openBundle, openBundleManifest } from './open';
import { sha256 } from './sha256';

beforeAll(useTestBackend);
const NAMES = ['katze-hund', '7', 'a-b-c'].map((name) => `tailors/${name}.safetensors`);

describe('decomposeKind', () => {
  test('writes the files of the format, the same bytes every time', async () => {
    const model = randomModel(tinyConfig());
    const files = await decomposeKind(model, { schedule: 'linear' });
    expect([...files.keys()]).toEqual(['kind.json', 'learngenes.safetensors', 'shared.safetensors', ...NAMES]);
    expect(await decomposeKind(model, { schedule: 'linear' })).toEqual(files);
    const json = JSON.parse(new TextDecoder().decode(files.get('kind.json')));
    expect(json).toMatchObject({
      format: 'learngene-kind',
      version: 4,
      config: model.config,
      base: await baseHash(model),
      metadata: { schedule: 'linear' },
    });
    expect(json.files.tailors.map((entry: { file: string }) => entry.file)).toEqual(NAMES);
    disposeParams(model.params);
  });

  test.each([
    ['binary', '34d198fed428e7be3fec9e8a28b563e1d3c85c5fc6b827a397f98db4dbdb861e'],
    ['soft', 'd4afa42a090c42a00eb3a86c186654c470ecae290d7f939251627457a9118025'],
  ] as const)(
    'writes a DiT with a %s gate as version 1 has written it from the first, to the byte, but for base and labels',
    async (gate, hash) => {
      const model = randomModel(tinyConfig({ gate }));
      const files = await olderBundle(await decomposeKind(model, { schedule: 'linear' }), 1);
      const lines = await Promise.all([...files].map(async ([name, bytes]) => `${name} ${await sha256(bytes)}`));
      expect(await sha256(new TextEncoder().encode(lines.join('\n')))).toBe(hash);
      disposeParams(model.params);
    },
  );

  test('names tensors by layer, without the group', async () => {
    const model = randomModel(tinyConfig({ gate: 'soft' }));
    const files = await decomposeKind(model);
    const namesOf = (file: string) => [...decodeSafetensors(files.get(file)!).tensors.keys()];
    expect(namesOf(NAMES[2])).toContain('blocks.1.mlp.out.v');
    expect(namesOf(NAMES[2]).filter((name) => !name.startsWith('blocks.'))).toEqual(['label.rows']);
    expect(namesOf('learngenes.safetensors').slice(0, 4)).toEqual(
      ['bias', 's', 'u', 'v'].map((p) => `blocks.0.attn.k.${p}`),
    );
    expect(namesOf('shared.safetensors')).toEqual(
      expect.arrayContaining(['blocks.0.adaln.weight', 'final.linear.bias', 'gate.bias', 'gate.weight', 'label.null']),
    );
    disposeParams(model.params);
  });

  test('refuses parameters that do not fit the config, and metadata that is not text', async () => {
    const model = randomModel(tinyConfig());
    const { config, params } = model;
    const lower = { config: { ...config, tailorRank: 1 }, params };
    await expect(decomposeKind(lower)).rejects.toThrow('tensor blocks.0.attn.q.u: expected [8, 1], got [8, 2]');
    const { blocks } = params.learngenes;
    const short = { config, params: { ...params, learngenes: { blocks: { 0: blocks['0'] } } } };
    await expect(decomposeKind(short)).rejects.toThrow('tensor blocks.1.attn.q.u: expected [8, 3], got none');
    const soft = { config: { ...config, gate: 'soft' as const }, params };
    await expect(decomposeKind(soft)).rejects.toThrow('tensor gate.weight: expected [3, 8], got none');
    const none = { config, params: { ...params, tailors: {} } };
    await expect(decomposeKind(none)).rejects.toThrow("tailors of group 'Katze & Hund' are not loaded");
    const metadata = { steps: 3 } as unknown as Record<string, string>;
    await expect(decomposeKind(model, metadata)).rejects.toThrow('metadata.steps: expected a string, got 3');
    const proto = JSON.parse('{"__proto__": "x"}') as Record<string, string>;
    await expect(decomposeKind(model, proto)).rejects.toThrow("metadata: '__proto__' is not allowed");
    disposeParams(params);
  });
});

describe('openBundle', () => {
  test.each([
    ['binary', false],
    ['soft', false],
    ['binary', true],
  ] as const)('gives back every bit (%s gate, pruned %s)', async (gate, pruned) => {
    const whole = randomModel(tinyConfig({ gate, nullGate: 'own-class' }));
    const limit = countAssembled(whole).parameters - 900;
    const model = pruned ? assembleFactored(whole, { budget: { parameters: limit } }) : whole;
    const { fetchPiece } = memory(await decomposeKind(model, { a: '1', constructor: '2' }));
    const { metadata, ...opened } = await openBundle(fetchPiece);
    expect(opened.config).toEqual(model.config);
    expect(Object.fromEntries(bits(opened))).toEqual(Object.fromEntries(bits(model)));
    expect(metadata).toEqual({ a: '1', constructor: '2' });
    for (const { params } of [whole, model, opened]) disposeParams(params);
  });

  test('is undone by assembleFactored with all groups and no budget', async () => {
    const model = randomModel(tinyConfig());
    const opened = await openBundle(memory(await decomposeKind(model)).fetchPiece);
    const whole = assembleFactored(opened);
    expect(Object.fromEntries(bits(whole))).toEqual(Object.fromEntries(bits(model)));
    for (const { params } of [model, opened, whole]) disposeParams(params);
  });

  test('is preceded by openBundleManifest, which fetches kind.json alone', async () => {
    const model = randomModel(tinyConfig());
    const files = await decomposeKind(model, { schedule: 'linear' });
    const { asked, fetchPiece } = memory(files);
    const manifest = await openBundleManifest(fetchPiece);
    expect(manifest).toMatchObject({ config: model.config, metadata: { schedule: 'linear' } });
    expect(manifest.base).toBe(await baseHash(model, { schedule: 'linear' }));
    expect(manifest.files.tailors.map(({ file }) => file)).toEqual(NAMES);
    expect(asked).toEqual([['kind.json', undefined]]);
    disposeParams(model.params);
  });

  test('fetches only the pieces asked for, with their sizes', async () => {
    const model = randomModel(tinyConfig());
    const files = await decomposeKind(model);
    const { asked, fetchPiece } = memory(files);
    const one = await openBundle(fetchPiece, { groups: ['a.b/../c'] });
    const wanted = ['learngenes.safetensors', 'shared.safetensors', NAMES[2]];
    expect(asked).toEqual([['kind.json', undefined], ...wanted.map((file) => [file, files.get(file)!.length])]);
    expect(Object.keys(one.params.tailors)).toEqual(['a.b/../c']);
    expect(one.config).toEqual(model.config);
    const part = assembleFactored(one, { groups: ['a.b/../c'] });
    const same = assembleFactored(model, { groups: ['a.b/../c'] });
    expect(part.config).toEqual(same.config);
    expect(bits(part)).toEqual(bits(same));
    asked.length = 0;
    const none = await openBundle(fetchPiece, { groups: [] });
    expect(asked.length).toBe(3);
    expect(none.params.tailors).toEqual({});
    for (const { params } of [model, one, part, same, none]) disposeParams(params);
  });

  test('names a group that is not there', async () => {
    const model = randomModel(tinyConfig());
    const { asked, fetchPiece } = memory(await decomposeKind(model));
    await expect(openBundle(fetchPiece, { groups: ['__proto__'] })).rejects.toThrow("got '__proto__'");
    expect(asked.length).toBe(1);
    disposeParams(model.params);
  });

  test('leaks nothing, also where a piece is bad', async () => {
    const model = randomModel(tinyConfig());
    const files = await decomposeKind(model);
    const bad = new Map(files).set(NAMES[1], files.get(NAMES[0])!);
    await expectNoLeak(async () => {
      disposeParams((await openBundle(memory(await decomposeKind(model)).fetchPiece)).params);
      await expect(openBundle(memory(bad).fetchPiece)).rejects.toThrow(`${NAMES[1]}: expected`);
    });
    disposeParams(model.params);
  });
});

describe('tailorFiles', () => {
  const named = (...names: string[]) => tailorFiles(names.map((name) => ({ name, classes: [0] })));
  const stems = (...names: string[]) =>
    named(...names).map((file) => file.slice('tailors/'.length, -'.safetensors'.length));

  test('are distinct, lower case and safe on every system', () => {
    expect(stems('Cat', 'cat', 'CAT!', 'cat-2')).toEqual(['cat', 'cat-2', 'cat-3', 'cat-2-2']);
    expect(stems('..', '猫', 'con', 'Übung', '-')).toEqual(['group', 'group-2', 'group-con', 'u-bung', 'group-3']);
    expect(stems('x'.repeat(200), '\ud800')).toEqual(['x'.repeat(60), 'group']);
  });
});
