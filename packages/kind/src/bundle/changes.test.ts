import { expectNoLeak } from '@learngene/testing';
import { describe, expect, test } from 'vitest';
import { add, BIRDS, bundleOfModel, changed, type Files, from, groupsIn, META, OWL, outputs } from '../../test/changes';
import { mailed, onBase } from '../../test/grown';
import { olderBundle } from '../../test/older-bundle';
import { randomModel, tinyConfig } from '../../test/random-model';
import { addTailors } from './add-tailors';
import { applyBundleChange } from './bundle-change';
import { baseHash, decomposeKind } from './decompose';
import { mergeBundles } from './merge-bundles';
import { removeTailors } from './remove-tailors';
import { renameTailors } from './rename-tailors';
import { verifyBundle } from './verify-bundle';

const made = bundleOfModel();

describe('removeTailors', () => {
  test('undoes addTailors: the files of before, to the byte', async () => {
    const grown = await add(made, made.files, [BIRDS]);
    const change = await removeTailors(from(grown), ['birds']);
    expect([...change.write.keys(), ...change.remove]).toEqual(['kind.json', 'tailors/birds.safetensors']);
    expect(applyBundleChange(grown, change)).toEqual(made.files);
  });

  test('closes up the ids; classes that stay keep their bits', async () => {
    const left = await changed(made.files, removeTailors(from(made.files), ['Katze & Hund']));
    expect((await groupsIn(left)).map(({ name, classes }) => [name, classes])).toEqual([
      ['7', [0]],
      ['a.b/../c', [2, 1]],
    ]);
    const [before, after] = [await outputs(made.files), await outputs(left)];
    for (const [name, values] of after) expect(values, name).toEqual(before.get(name));
    expect(after.size).toBe(4);
  });

  test('one class of a group takes its row along and leaves the tailors', async () => {
    const change = await removeTailors(from(made.files), ['cat']);
    expect([...change.write.keys()]).toEqual(['tailors/katze-hund-2.safetensors', 'kind.json']);
    expect(change.remove).toEqual(['tailors/katze-hund.safetensors']);
    const left = applyBundleChange(made.files, change);
    expect((await groupsIn(left))[0]).toEqual({ name: 'Katze & Hund', classes: [0], classNames: ['dog'] });
    expect((await outputs(left)).get('Katze & Hund 0')).toEqual((await outputs(made.files)).get('Katze & Hund 1'));
    expect((await verifyBundle(from(left))).problems).toEqual([]);
    const none = await changed(made.files, removeTailors(from(made.files), ['cat', 'dog']));
    expect((await groupsIn(none)).map(({ name }) => name)).toEqual(['7', 'a.b/../c']);
  });

  test('refuses what is not there, and a name of two things', async () => {
    const both = await add(made, made.files, [{ name: 'birds', classes: [0, 1], classNames: ['birds', 'wren'] }]);
    await expect(removeTailors(from(made.files), ['owl'])).rejects.toThrow(
      "names: expected one of 'Katze & Hund', 'cat'",
    );
    await expect(removeTailors(from(made.files), [])).rejects.toThrow('names: expected at least one, got none');
    await expect(removeTailors(from(made.files), ['__proto__'])).rejects.toThrow("got '__proto__'");
    await expect(removeTailors(from(both), ['birds'])).rejects.toThrow("'birds' is a group of 2 classes and a class");
    const one = await removeTailors(from(both), ['birds'], { of: 'class' });
    expect((await groupsIn(applyBundleChange(both, one))).at(-1)?.classNames).toEqual(['wren']);
    expect((await removeTailors(from(both), ['birds'], { of: 'group' })).remove).toEqual(['tailors/birds.safetensors']);
  });
});

describe('renameTailors', () => {
  const rename = (bundle: Files, from_: string, to: string, of?: 'group' | 'class') =>
    changed(bundle, renameTailors(from(bundle), { from: from_, to, of }));
  test.each<[string, 'group' | 'class' | undefined, string, object]>([
    ['owl', undefined, 'a group and its class', { name: 'uhu', classNames: ['uhu'] }],
    ['owl', 'group', 'a group', { name: 'uhu', classNames: ['owl'] }],
    ['owl', 'class', 'its class', { name: 'owl', classNames: ['uhu'] }],
    ['birds', undefined, 'a group of two', { name: 'uhu', classNames: ['tit', 'wren'] }],
    ['wren', undefined, 'a class of two', { name: 'birds', classNames: ['tit', 'uhu'] }],
  ])('%s (%s): %s; only its file is new, and its numbers stay', async (name, of, _, expected) => {
    const grown = await add(made, made.files, name === 'owl' ? [OWL] : [BIRDS]);
    const change = await renameTailors(from(grown), { from: name, to: 'uhu', of });
    expect(change.write.size).toBe(2);
    expect(change.remove.length).toBe(1);
    const next = applyBundleChange(grown, change);
    expect((await groupsIn(next)).at(-1)).toMatchObject(expected);
    expect([...(await outputs(next)).values()]).toEqual([...(await outputs(grown)).values()]);
    expect((await verifyBundle(from(next))).problems).toEqual([]);
  });

  test('to the name that it has changes nothing; a name that is taken or cannot be one is refused', async () => {
    const grown = await add(made, made.files, [OWL]);
    const same = await renameTailors(from(grown), { from: 'owl', to: 'owl' });
    expect([same.write.size, same.remove]).toEqual([0, []]);
    await expect(rename(grown, 'owl', '7')).rejects.toThrow("to: the bundle has a group '7' already");
    await expect(rename(grown, 'owl', 'dog')).rejects.toThrow("to: the bundle has a class 'dog' already");
    await expect(rename(grown, 'cat', 'dog')).rejects.toThrow("to: group 'Katze & Hund' has a class 'dog' already");
    for (const to of ['', '  ', 'x'.repeat(201), '__proto__', 'a\u001b[31m', 'a\nb', 'a\u202eb', 3 as never]) {
      await expect(rename(grown, 'owl', to)).rejects.toThrow(/^to: /);
    }
    await expect(rename(grown, 'uhu', 'x')).rejects.toThrow('from: expected one of');
  });
});

describe('mergeBundles', () => {
  test('of two that grew apart has each class once, with the bits of either', async () => {
    const [one, two] = [await add(made, made.files, [OWL]), await add(made, made.files, [BIRDS])];
    const change = await mergeBundles(from(one), from(two));
    expect([...change.write.keys()]).toEqual(['tailors/birds.safetensors', 'kind.json']);
    const both = applyBundleChange(one, change);
    const after = await outputs(both);
    for (const [name, values] of [...(await outputs(one)), ...(await outputs(two))]) {
      expect(after.get(name), name).toEqual(values);
    }
    expect(after.size).toBe(9);
    expect((await verifyBundle(from(both))).problems).toEqual([]);
    expect((await mergeBundles(from(both), from(two))).write.size).toBe(0);
  });

  test('takes an older bundle, whose tailors get their label', async () => {
    const old = await olderBundle(await add(made, made.files, [OWL]), 1);
    const images = () => META.images;
    const both = await changed(made.files, mergeBundles(from(made.files), from(old), { images }));
    expect(both.get('tailors/owl.safetensors')).toEqual(
      (await add(made, made.files, [OWL])).get('tailors/owl.safetensors'),
    );
  });

  test('refuses another base, a name with other numbers, and names the bundle at fault', async () => {
    const other = await decomposeKind(randomModel(tinyConfig(), 2), META);
    await expect(mergeBundles(from(made.files), from(other), { name: 'b' })).rejects.toThrow(
      'b/kind.json: another base',
    );
    const [one, two] = [
      await add(made, made.files, [OWL]),
      await changed(
        made.files,
        addTailors(from(made.files), await mailed(onBase(made.model, [OWL], { seed: 2 }), made.base)),
      ),
    ];
    await expect(mergeBundles(from(one), from(two))).rejects.toThrow(
      "from: group 'owl': the bundle has a group 'owl' already; rename one of the two",
    );
    const torn = new Map(await add(made, made.files, [OWL])).set('tailors/owl.safetensors', new Uint8Array(3));
    await expect(mergeBundles(from(made.files), from(torn), { name: 'b' })).rejects.toThrow(
      'b/tailors/owl.safetensors: ',
    );
  });
});

describe('every change', () => {
  test('is refused for a soft gate, whose images would change; a name may change', async () => {
    const soft = randomModel(tinyConfig({ gate: 'soft' }));
    const bundle = await decomposeKind(soft);
    const sent = await mailed({ ...soft, config: { ...soft.config } }, await baseHash(soft));
    for (const change of [
      () => addTailors(from(bundle), sent, {}),
      () => removeTailors(from(bundle), ['7']),
      () => mergeBundles(from(bundle), from(bundle)),
    ]) {
      await expect(change()).rejects.toThrow('expected a bundle with a binary gate, got a soft gate');
    }
    const renamed = await changed(bundle, renameTailors(from(bundle), { from: '7', to: '8' }));
    expect([...(await outputs(renamed)).values()]).toEqual([...(await outputs(bundle)).values()]);
  });

  test('refuses unknown options and makes no tensor', async () => {
    const sent = await mailed(onBase(made.model, [OWL]), made.base);
    await expectNoLeak(async () => {
      await addTailors(from(made.files), sent);
      await expect(addTailors(from(made.files), sent, { name: 'x' } as never)).rejects.toThrow(
        'addTailors: expected network',
      );
      await expect(removeTailors(from(made.files), ['7'], { of: 'x' as never })).rejects.toThrow(
        'of: expected group or class',
      );
      await expect(verifyBundle(from(made.files), { images: 3 as never })).rejects.toThrow(
        'images: expected a function',
      );
    });
  });
});

describe('verifyBundle', () => {
  test('goes on after a fault and lists all of them', async () => {
    const grown = await add(made, made.files, [OWL]);
    const torn = new Map(grown).set('tailors/7.safetensors', new Uint8Array(3));
    torn.delete('tailors/owl.safetensors');
    const { problems } = await verifyBundle(from(torn));
    expect(problems.map(({ file }) => file)).toEqual(['tailors/7.safetensors', 'tailors/owl.safetensors']);
    expect((await verifyBundle(from(new Map()))).problems).toEqual([
      { file: 'kind.json', problem: 'cannot be fetched: 404' },
    ]);
  });

  test('sees a base and a name that the files do not have', async () => {
    const text = new TextDecoder().decode(made.files.get('kind.json'));
    const withText = (next: string) => new Map(made.files).set('kind.json', new TextEncoder().encode(next));
    const meta = withText(text.replace('\\"flow\\"', '\\"gaussian\\"'));
    expect((await verifyBundle(from(meta))).problems.map(({ problem }) => problem)).toEqual([
      expect.stringMatching(/^checksum: expected [0-9a-f]{64}, as it was written, got [0-9a-f]{64}: it was edited/),
      expect.stringMatching(/^base: expected [0-9a-f]{64}, as the files have/),
    ]);
    const name = withText(text.replace('"cat"', '"cow"'));
    expect((await verifyBundle(from(name))).problems).toEqual([
      { file: 'kind.json', problem: expect.stringMatching(/^checksum: /) },
      {
        file: 'tailors/katze-hund.safetensors',
        problem: "group: expected 'Katze & Hund', its classes and its rank, as kind.json says, got others",
      },
    ]);
  });
});
