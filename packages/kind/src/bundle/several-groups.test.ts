import { disposeParams } from '@learngene/nn';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Files as Bundle, from } from '../../test/changes';
import { bits, randomModel } from '../../test/random-model';
import { config, GROUPS, outputOf } from '../../test/several-groups';
import { assembleFactored } from '../assemble';
import type { KindModel } from '../params';
import { addTailors } from './add-tailors';
import { applyBundleChange } from './bundle-change';
import { baseHash, decomposeKind, encodeTailors } from './decompose';
import { mergeBundles } from './merge-bundles';
import { openBundle, openBundleManifest } from './open';
import { removeTailors } from './remove-tailors';
import { renameTailors } from './rename-tailors';
import { verifyBundle } from './verify-bundle';

beforeAll(useTestBackend);

describe('bundles of classes in several groups', () => {
  const META = { images: '{"process":"flow"}' };
  const bundleOf = (model: KindModel): Promise<Bundle> => decomposeKind(model, META);
  const namesIn = async (files: Bundle) =>
    (await openBundleManifest(from(files))).config.groups.map(({ name, classes, classNames }) => [
      name,
      classes,
      classNames,
    ]);
  const outputsOf = async (files: Bundle) => {
    const { config: own, params } = await openBundle(from(files));
    const ids = new Map(own.groups.flatMap((group) => group.classes.map((id, row) => [group.classNames![row], id])));
    const found = [...ids].map(([name, id]) => [name, [...outputOf({ config: own, params }, id).dataSync()]] as const);
    disposeParams(params);
    return new Map(found);
  };

  test('come back bit for bit, and are sound', async () => {
    const model = randomModel(config);
    const files = await bundleOf(model);
    const { config: read, params } = await openBundle(from(files));
    expect(read).toEqual(config);
    expect(bits({ config: read, params })).toEqual(bits(model));
    expect((await verifyBundle(from(files))).problems).toEqual([]);
  });

  test('a class that is removed leaves all its groups; the others keep their bits', async () => {
    const files = await bundleOf(randomModel(config));
    const before = await outputsOf(files);
    const left = applyBundleChange(files, await removeTailors(from(files), ['dog']));
    expect(await namesIn(left)).toEqual([
      ['animals', [0, 1], ['owl', 'cat']],
      ['cat', [1], ['cat']],
      ['toys', [2, 3], ['ball', 'kite']],
    ]);
    expect((await verifyBundle(from(left))).problems).toEqual([]);
    for (const [name, values] of await outputsOf(left)) expect(values, name).toEqual(before.get(name));
    const fewer = applyBundleChange(left, await removeTailors(from(left), ['cat']));
    expect((await verifyBundle(from(fewer))).problems).toEqual([]);
    // Now each class has one group: its tailors are whole, and fit elsewhere alone.
    const [animals] = (await openBundleManifest(from(fewer))).files.tailors;
    const moved = await addTailors(from(left), new Map([['toys', fewer.get(animals.file)!]]), { as: 'birds' });
    expect(moved.groups).toContain('birds');
  });

  test('a class is renamed in all its groups', async () => {
    const files = await bundleOf(randomModel(config));
    const named = applyBundleChange(files, await renameTailors(from(files), { from: 'dog', to: 'wolf' }));
    expect(await namesIn(named)).toEqual([
      ['animals', [0, 1, 2], ['owl', 'cat', 'wolf']],
      ['cat', [1], ['cat']],
      ['wolf', [2], ['wolf']],
      ['toys', [3, 2, 4], ['ball', 'wolf', 'kite']],
    ]);
    expect((await verifyBundle(from(named))).problems).toEqual([]);
    expect((await outputsOf(named)).get('wolf')).toEqual((await outputsOf(files)).get('dog'));
    const back = applyBundleChange(named, await renameTailors(from(named), { from: 'wolf', to: 'dog' }));
    expect(await namesIn(back)).toEqual(await namesIn(files));
  });

  test('tailors of a class that another group adds to are not taken alone', async () => {
    const model = randomModel(config);
    const file = await encodeTailors(model, 'cat', await baseHash(model, META));
    const other = await bundleOf(assembleFactored(model, { groups: ['animals', 'dog', 'toys'] }));
    await expect(addTailors(from(other), new Map([['cat', file]]))).rejects.toThrow(
      'expected the tailors of whole classes, got those of a class that another group adds to',
    );
  });

  test('a merge takes classes with all their groups, and refuses a class of other groups', async () => {
    const model = randomModel(config);
    const part = (groups: string[]) => bundleOf(assembleFactored(model, { groups }));
    const whole = await bundleOf(model);
    const toys = { ...GROUPS[3], classes: [0, 1], classNames: ['ball', 'kite'] };
    const rows = tf.gather(model.params.tailors.toys.label.rows, tf.tensor1d([0, 2], 'int32'));
    const tailors = { toys: { ...model.params.tailors.toys, label: { rows } } };
    const alone = { ...config, groups: [toys], dit: { ...config.dit, classes: 2 } };
    const small = await bundleOf({ config: alone, params: { ...model.params, tailors } } as KindModel);
    const cats = await part(['animals', 'cat']);
    const merged = applyBundleChange(small, await mergeBundles(from(small), from(cats)));
    expect(await namesIn(merged)).toEqual([
      ['toys', [0, 1], ['ball', 'kite']],
      ['animals', [2, 3], ['owl', 'cat']],
      ['cat', [3], ['cat']],
    ]);
    const before = await outputsOf(whole);
    for (const [name, values] of await outputsOf(merged)) expect(values, name).toEqual(before.get(name));
    expect((await mergeBundles(from(merged), from(cats))).write.size).toBe(0);
    // The same group with a class that has no further tailors there.
    const fewer = { ...config, groups: [{ ...GROUPS[0], classes: [0, 1], classNames: ['owl', 'cat'] }] };
    const animals = tf.slice(model.params.tailors.animals.label.rows, 0, 2);
    const plain = { animals: { ...model.params.tailors.animals, label: { rows: animals } } };
    const shrunk = {
      config: { ...fewer, dit: { ...config.dit, classes: 2 } },
      params: { ...model.params, tailors: plain },
    };
    const less = await bundleOf(shrunk as KindModel);
    await expect(mergeBundles(from(less), from(cats))).rejects.toThrow(
      "class 'cat' is in the groups 'animals', 'cat' there, in 'animals' here: it gives other images",
    );
    await expect(mergeBundles(from(cats), from(less))).rejects.toThrow(
      "class 'cat' is in the groups 'animals' there, in 'animals', 'cat' here",
    );
  });
});
