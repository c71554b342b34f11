import { describe, expect, test } from 'vitest';
import { add, BIRDS, bundleOfModel, changed, from, groupsIn, META, OWL, outputs } from '../../test/changes';
import { mailed, onBase } from '../../test/grown';
import { olderBundle } from '../../test/older-bundle';
import { randomModel, tinyConfig } from '../../test/random-model';
import type { KindConfigInput } from '../config';
import type { KindModel } from '../params';
import type { TailorGroup } from '../tailor-groups';
import { addTailors } from './add-tailors';
import { applyBundleChange } from './bundle-change';
import { baseHash, decomposeKind } from './decompose';
import { mergeBundles } from './merge-bundles';
import { openBundleManifest } from './open';
import { removeTailors } from './remove-tailors';
import { verifyBundle } from './verify-bundle';

const made = bundleOfModel();

describe('addTailors', () => {
  test('adds a class; the old ones, the null label and every old file keep their bits', async () => {
    const before = await outputs(made.files);
    const change = await addTailors(from(made.files), await mailed(onBase(made.model, [OWL]), made.base));
    expect([...change.write.keys()]).toEqual(['tailors/owl.safetensors', 'kind.json']);
    expect([change.remove, change.groups]).toEqual([[], ['Katze & Hund', '7', 'a.b/../c', 'owl']]);
    const grown = applyBundleChange(made.files, change);
    for (const [file, bytes] of made.files) if (file !== 'kind.json') expect(grown.get(file)).toBe(bytes);
    const after = await outputs(grown);
    for (const [name, values] of before) expect(after.get(name), name).toEqual(values);
    const novel = onBase(made.model, [OWL]);
    const alone = await outputs(await decomposeKind(novel, META));
    expect(after.get('owl 0')).toEqual(alone.get('owl 0'));
    expect((await groupsIn(grown)).at(-1)).toEqual({ ...OWL, classes: [5] });
    expect(await verifyBundle(from(grown))).toEqual({ base: made.base, problems: [] });
  });

  test('takes several groups, a group of several classes, another name, and tailors straight from a bundle', async () => {
    const two = await add(made, made.files, [BIRDS, { name: 'fish', classes: [2] }]);
    expect((await groupsIn(two)).slice(3)).toEqual([
      { ...BIRDS, classes: [5, 6] },
      { name: 'fish', classes: [7], classNames: ['fish'] },
    ]);
    const named = await add(made, made.files, [OWL], { as: 'Uhu' });
    expect((await groupsIn(named)).at(-1)).toEqual({ name: 'Uhu', classes: [5], classNames: ['Uhu'] });
    expect((await outputs(named)).get('Uhu 0')).toEqual(
      (await outputs(await add(made, made.files, [OWL]))).get('owl 0'),
    );
    expect((await verifyBundle(from(named))).problems).toEqual([]);
    const sent = new Map([['birds.safetensors', two.get('tailors/birds.safetensors')!]]);
    const again = await changed(made.files, addTailors(from(made.files), sent, { as: 'vögel' }));
    expect((await groupsIn(again)).at(-1)).toEqual({ name: 'vögel', classes: [5, 6], classNames: ['tit', 'wren'] });
  });

  test('fills a bundle without groups from class 0, and one of a model cut to a budget', async () => {
    const bare = await changed(made.files, removeTailors(from(made.files), ['7', 'Katze & Hund', 'a.b/../c']));
    expect([...bare.keys()]).toEqual(['kind.json', 'learngenes.safetensors', 'shared.safetensors']);
    expect((await openBundleManifest(from(bare))).config.dit.classes).toBe(1);
    const filled = await add(made, bare, [OWL]);
    expect((await openBundleManifest(from(filled))).config).toMatchObject({ groups: [OWL], dit: { classes: 1 } });
    const novel = onBase(made.model, [OWL], { tailorRank: 1 });
    const pruned = { ...novel, config: { ...novel.config, tailorRank: 2, pruned: true } };
    const grown = await changed(made.files, addTailors(from(made.files), await mailed(pruned, made.base)));
    expect((await openBundleManifest(from(grown))).config.pruned).toBe(true);
    expect((await outputs(grown)).get('7 0')).toEqual((await outputs(made.files)).get('7 0'));
  });

  test.each([1, 3])('takes tailors of rank %i beside those of rank 2', async (tailorRank) => {
    const novel = onBase(made.model, [OWL], { tailorRank });
    const grown = await changed(made.files, addTailors(from(made.files), await mailed(novel, made.base)));
    expect((await groupsIn(grown)).at(-1)).toEqual({ ...OWL, classes: [5], tailorRank });
    const [before, after] = [await outputs(made.files), await outputs(grown)];
    for (const [name, values] of before) expect(after.get(name), name).toEqual(values);
    const bundle = await decomposeKind(novel, META); // of rank 1 or 3 as a whole
    expect(after.get('owl 0')).toEqual((await outputs(bundle)).get('owl 0'));
    expect(await verifyBundle(from(grown))).toEqual({ base: made.base, problems: [] });
    const merged = await changed(made.files, mergeBundles(from(made.files), from(bundle)));
    expect((await groupsIn(merged)).at(-1)).toEqual({ ...OWL, classes: [5], tailorRank });
    expect(await outputs(merged)).toEqual(after);
  });

  test('computes the base of an older bundle, whose files stay as they are', async () => {
    const old = await olderBundle(made.files, 1);
    const images = ({ config }: Readonly<Record<string, string>>) => (config === META.config ? META.images : undefined);
    const grown = await add(made, old, [OWL], { images });
    expect(await openBundleManifest(from(grown))).toMatchObject({ base: made.base, metadata: META });
    for (const [file, bytes] of old) if (file !== 'kind.json') expect(grown.get(file)).toBe(bytes);
    expect(await verifyBundle(from(grown))).toEqual({ base: made.base, problems: [] });
    await expect(add(made, old, [OWL])).rejects.toThrow('owl: another base');
  });

  const named = (group: Partial<TailorGroup>) => mailed(onBase(made.model, [{ ...OWL, ...group }]), made.base);
  test.each<[string, () => Promise<Map<string, Uint8Array>>, string]>([
    [
      'another base',
      async () => mailed(onBase(made.model, [OWL]), '0'.repeat(64)),
      'owl: another base: expected tailors of',
    ],
    ['a group that is there', () => named({ name: '7' }), "7: group: the bundle has a group '7' already; rename one"],
    ['a class that is there', () => named({ classNames: ['cat'] }), "owl: group: the bundle has a class 'cat' already"],
    ['a name in the other Unicode', () => twice('ö', 'o\u0308'), "the bundle has a group 'ö' already"],
    ['a class without a name', () => named({ classNames: [''] }), 'group.classNames: expected a name of 1 to 200'],
    [
      'a name too long',
      () => named({ classNames: ['x'.repeat(201)] }),
      'group.classNames: expected a name of 1 to 200',
    ],
    ['__proto__', () => named({ classNames: ['__proto__'] }), "owl: group.classNames: '__proto__' is not allowed"],
    [
      'no label',
      async () => new Map([['7', (await olderBundle(made.files, 1)).get('tailors/7.safetensors')!]]),
      'without a base',
    ],
    [
      'learngenes',
      async () => new Map([['x', made.files.get('learngenes.safetensors')!]]),
      'x: expected the tailors of one',
    ],
    ['no safetensors', async () => new Map([['x', new Uint8Array(20)]]), 'x: safetensors: '],
    ['no bytes', async () => new Map([['x', 'text' as never]]), 'x: expected a Uint8Array, got string'],
    ['no file', async () => new Map(), 'tailors: expected at least one file, got none'],
  ])('refuses tailors of %s', async (_, tailors, message) => {
    const sent = await tailors();
    await expect(addTailors(from(made.files), sent)).rejects.toThrow(message);
  });
  const twice = async (one: string, two: string) => {
    const both = [one, two].map((name, id) => ({ name, classes: [id] }));
    return mailed(onBase(made.model, both), made.base);
  };

  test('a name with dots and slashes gets a file that is safe', async () => {
    const grown = await add(made, made.files, [{ name: '../../etc/x', classes: [0] }]);
    expect([...grown.keys()].at(-1)).toBe('tailors/etc-x.safetensors');
  });

  test('a hash tells images, numbers and settings apart, and not what changes none', async () => {
    const hash = (change: Partial<KindConfigInput>, metadata = META) =>
      baseHash(
        { config: { ...made.model.config, ...change } as KindModel['config'], params: made.model.params },
        metadata,
      );
    const { dit } = made.model.config;
    expect(await hash({})).toBe(made.base);
    expect(await hash({ dit: { ...dit, classes: 9, labelDropout: 0.5 } })).toBe(made.base);
    expect(await hash({ tailorRank: 1, groups: [], pruned: true }, { ...META, config: 'other' })).toBe(made.base);
    const others = [
      await hash({ dit: { ...dit, heads: 1 } }),
      await hash({ nullGate: 'own-class' }),
      await hash({}, { ...META, images: '{"process":"gaussian"}' }),
      await baseHash(randomModel(tinyConfig(), 2), META),
    ];
    expect(new Set([made.base, ...others]).size).toBe(5);
  });
});
