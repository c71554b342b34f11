import { disposeParams, flattenParams, type ParamTree, unflattenParams } from '@learngene/nn';
import { decodeSafetensors, encodeSafetensors } from '@learngene/tensor-io';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { add, bundleOfModel, type Files, from, META, OWL } from '../../test/changes';
import { mailed, onBase } from '../../test/grown';
import { olderBundle } from '../../test/older-bundle';
import { sealed } from '../../test/sealed';
import type { KindModel } from '../params';
import { addTailors } from './add-tailors';
import { BundleError, TailorError } from './bundle-error';
import { decomposeKind, encodeTailors } from './decompose';
import { mergeBundles } from './merge-bundles';
import { openBundle, openBundleManifest } from './open';
import { removeTailors } from './remove-tailors';
import { renameTailors } from './rename-tailors';
import { sha256 } from './sha256';

const made = bundleOfModel();
const text = (files: Files) => new TextDecoder().decode(files.get('kind.json'));
const withText = (files: Files, next: string) => new Map(files).set('kind.json', new TextEncoder().encode(next));

/** Edits by hand that leave a kind.json which can be read, and what each is of. */
const EDITS: [string, string, string][] = [
  ['the number of heads', '"heads": 2', '"heads": 1'],
  ['the null gate', '"nullGate": "learngenes"', '"nullGate": "own-class"'],
  ['a name', '"cat"', '"cow"'],
  ['the recipe', '\\"steps\\":3', '\\"steps\\":4'],
  ['what changes images', '\\"flow\\"', '\\"gaussian\\"'],
];

describe('a kind.json that was edited', () => {
  test.each(EDITS)('is refused by whatever opens or changes the bundle: %s', async (_, was, is) => {
    expect(text(made.files)).toContain(was);
    const edited = withText(made.files, text(made.files).replace(was, is));
    const opened = [
      () => openBundle(from(edited)),
      () => openBundle(from(edited), { groups: [] }),
      () => openBundleManifest(from(edited)),
      () => renameTailors(from(edited), { from: '7', to: '8' }),
      () => removeTailors(from(edited), ['7']),
      () => add(made, edited, [OWL]),
      () => mergeBundles(from(edited), from(made.files)),
      () => mergeBundles(from(made.files), from(edited)),
    ];
    for (const open of opened) {
      const error = await open().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(BundleError);
      expect((error as BundleError).message).toMatch(
        /kind.json: checksum: expected [0-9a-f]{64}, as it was written, got/,
      );
    }
  });

  test('is not one where only spaces and the order of fields changed', async () => {
    const { config, ...rest } = JSON.parse(text(made.files)) as { config: object };
    const turned = Object.fromEntries(Object.entries(config).reverse());
    const { params } = await openBundle(from(withText(made.files, JSON.stringify({ config: turned, ...rest }))));
    disposeParams(params);
  });

  test('of version 3 is refused where the base or the tailors tell', async () => {
    const old = await olderBundle(made.files, 3);
    const { params } = await openBundle(from(old));
    disposeParams(params);
    const opened = (was: string, is: string) => openBundle(from(withText(old, text(old).replace(was, is))));
    for (const [what, was, is] of EDITS) {
      if (what === 'the recipe') continue; // only its owner can read it
      const message = what === 'a name' ? /katze-hund.safetensors: group: expected/ : /^kind.json: base: expected/;
      await expect(opened(was, is), what).rejects.toThrow(message);
    }
    const heads = withText(old, text(old).replace('"heads": 2', '"heads": 1'));
    await expect(renameTailors(from(heads), { from: '7', to: '8' })).rejects.toThrow('kind.json: base: expected');
    const grown = await add(made, old, [OWL]);
    expect(JSON.parse(text(grown))).toMatchObject({ version: 4, checksum: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });
});

describe('nothing is added to what is damaged, and nothing damaged is added', () => {
  const OWN = ['learngenes.safetensors', 'shared.safetensors'];

  test.each(OWN)('a bundle of damaged %s is refused, as either side of a merge too', async (file) => {
    const bytes = made.files.get(file)!.slice();
    bytes[bytes.length - 1] ^= 1;
    const damaged = new Map(made.files).set(file, bytes);
    const message = `${file}: expected SHA-256`;
    await expect(add(made, damaged, [OWL])).rejects.toThrow(message);
    await expect(mergeBundles(from(damaged), from(made.files))).rejects.toThrow(message);
    await expect(mergeBundles(from(made.files), from(damaged))).rejects.toThrow(message);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'tailors with %d are refused by the name of the tensor',
    async (bad) => {
      const [[file, bytes]] = await mailed(onBase(made.model, [OWL]), made.base);
      const { tensors, metadata } = decodeSafetensors(bytes);
      const changed = new Map(tensors);
      const name = 'blocks.0.attn.q.s';
      changed.set(name, { ...changed.get(name)!, data: new Float32Array(2).fill(bad) } as never);
      const sent = encodeSafetensors(changed, { metadata });
      const error = await addTailors(from(made.files), new Map([[file, sent]])).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TailorError);
      expect((error as TailorError).message).toMatch(/owl: tensor blocks.0.attn.q.s: expected finite numbers, got an/);
      const grown = new Map(await add(made, made.files, [OWL])).set('tailors/owl.safetensors', sent);
      const json = JSON.parse(text(grown)) as { files: { tailors: object[] } };
      Object.assign(json.files.tailors.at(-1)!, { bytes: sent.length, sha256: await sha256(sent) });
      const forged = new Map(grown).set('kind.json', await sealed(json));
      await expect(mergeBundles(from(made.files), from(forged))).rejects.toThrow('expected finite numbers');
      await expect(openBundle(from(forged))).rejects.toThrow('expected finite numbers');
    },
  );

  test('a model with NaN becomes no bundle and no file of tailors', async () => {
    const model = onBase(made.model, [OWL]);
    const leaves = flattenParams(model.params.tailors.owl as ParamTree);
    const name = 'blocks.0.attn.q.s';
    leaves.set(name, tf.fill([2], Number.NaN));
    const tailors = { owl: unflattenParams(leaves) };
    const damaged = { ...model, params: { ...model.params, tailors } } as unknown as KindModel;
    const message = `tensor ${name}: expected finite numbers`;
    await expect(decomposeKind(damaged, META)).rejects.toThrow(message);
    await expect(encodeTailors(damaged, 'owl', made.base)).rejects.toThrow(message);
    await expect(encodeTailors(damaged, 'owl', made.base, { dtype: 'float16' })).rejects.toThrow(message);
  });
});
