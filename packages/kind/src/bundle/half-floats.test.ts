import { disposeParams } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { decodeSafetensors } from '@learngene/tensor-io';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { bundleOfModel, changed, from, groupsIn, META, outputs } from '../../test/changes';
import { transferKind } from '../transfer';
import { addTailors } from './add-tailors';
import { baseHash, decomposeKind, encodeTailors } from './decompose';
import { openBundle, openBundleManifest } from './open';
import { verifyBundle } from './verify-bundle';

const made = bundleOfModel();
const half = () => decomposeKind(made.model, META, { dtype: 'float16' });

describe('a bundle of half floats', () => {
  test('has files of half the size, and a base of its own: that of the numbers as stored', async () => {
    const files = await half();
    const { tensors } = decodeSafetensors(files.get('learngenes.safetensors')!);
    expect(new Set([...tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(['F16']));
    const { base } = await openBundleManifest(from(files));
    expect(base).not.toBe(made.base);
    const opened = await openBundle(from(files));
    expect(await baseHash(opened, META)).toBe(base);
    expect(await verifyBundle(from(files))).toEqual({ base, problems: [] });
    expect(await baseHash(opened, META)).toBe((await openBundleManifest(from(await decomposeKind(opened, META)))).base);
    disposeParams(opened.params);
  });

  test('takes the tailors of a transfer that started from it, in float32 or halved; the old classes keep their bits', async () => {
    const files = await half();
    const opened = await openBundle(from(files), { groups: [] });
    const groups = [{ name: 'owl', classes: [0] }];
    const novel = transferKind(opened, { groups, generator: createGenerator(1), domain: 'near', labels: 'null' });
    const hash = await baseHash(novel, META);
    const before = await outputs(files);
    for (const dtype of ['float32', 'float16'] as const) {
      const sent = new Map([['owl', await encodeTailors(novel, 'owl', hash, { dtype })]]);
      const grown = await changed(files, addTailors(from(files), sent));
      expect((await groupsIn(grown)).at(-1)?.name).toBe('owl');
      const after = await outputs(grown);
      for (const [name, values] of before) expect(after.get(name), name).toEqual(values);
      await expect(addTailors(from(made.files), sent)).rejects.toThrow('owl: another base');
    }
    for (const { params } of [opened, novel]) disposeParams(params);
  });

  test('refuses another dtype, and numbers that are too large for it', async () => {
    await expect(decomposeKind(made.model, META, { dtype: 'int8' as never })).rejects.toThrow(
      'dtype: expected float32 or float16, got "int8"',
    );
    const { shared } = made.model.params;
    const label = { null: tf.mul<tf.Tensor2D>(shared.label.null, 1e9) };
    const large = { ...made.model, params: { ...made.model.params, shared: { ...shared, label } } };
    await expect(decomposeKind(large, META, { dtype: 'float16' })).rejects.toThrow(
      'tensor label.null: expected numbers of at most 65504',
    );
  });
});
