import { disposeParams, flattenParams, type ParamTree } from '@learngene/nn';
import { useTestBackend } from '@learngene/testing';
import { beforeAll, expect, test } from 'vitest';
import { memory } from '../../test/memory-bundle';
import { olderBundle } from '../../test/older-bundle';
import { MIXER, mixerConfig, noisyMixer } from '../../test/tiny-network';
import type { NetworkKindModel } from '../params';
import { addTailors } from './add-tailors';
import { applyBundleChange } from './bundle-change';
import { baseHash, decomposeKind, encodeTailors } from './decompose';
import { mergeBundles } from './merge-bundles';
import { openBundle, openBundleManifest } from './open';
import { removeTailors } from './remove-tailors';
import { renameTailors } from './rename-tailors';
import { verifyBundle } from './verify-bundle';

beforeAll(useTestBackend);
const network = { network: 'mixer' };
const from = (files: ReadonlyMap<string, Uint8Array>) => memory(files).fetchPiece;
const valuesOf = (tree: ParamTree) => [...flattenParams(tree)].map(([name, leaf]) => [name, ...leaf.dataSync()]);

/** A model of two novel classes in one group, on the learngenes and the shared part of another. */
function novelOn({ params }: NetworkKindModel): NetworkKindModel {
  const groups = [{ name: 'n', classes: [1, 0], classNames: ['x', 'y'] }];
  const config = mixerConfig({ network: { ...MIXER, classes: 2 }, groups });
  const { tailors } = noisyMixer(config, 7);
  return { config, params: { ...params, tailors } };
}

test('a bundle of another network takes in a group, with the rows of its head, and gives it back', async () => {
  const model = { config: mixerConfig(), params: noisyMixer(mixerConfig()) };
  const files = await decomposeKind(model);
  const base = await baseHash(model);
  const novel = novelOn(model);
  const sent = new Map([['n', await encodeTailors(novel, 'n', base)]]);
  await expect(addTailors(from(files), sent)).rejects.toThrow(
    'expected a model of a Diffusion Transformer, got one of',
  );
  const grown = applyBundleChange(files, await addTailors(from(files), sent, network));
  const opened = await openBundle(from(grown), network);
  expect(opened.config.groups.map(({ classes }) => classes)).toEqual([[3, 0], [1], [4, 2], [5, 6]]);
  expect(opened.config.network.classes).toBe(7);
  expect(valuesOf(opened.params.tailors.n)).toEqual(valuesOf(novel.params.tailors.n));
  expect(valuesOf(opened.params.tailors.a)).toEqual(valuesOf(model.params.tailors.a));
  expect(await verifyBundle(from(grown), network)).toEqual({ base, problems: [] });
  expect(applyBundleChange(grown, await removeTailors(from(grown), ['n'], network))).toEqual(files);

  const one = applyBundleChange(grown, await removeTailors(from(grown), ['x'], network));
  const left = await openBundle(from(one), network);
  const [rows, all] = [left, novel].map(({ params }) => (params.tailors.n as { head: ParamTree }).head);
  expect(valuesOf(rows)).toEqual([
    ['weight', ...[...(all.weight as never as { dataSync(): Float32Array }).dataSync()].slice(6)],
    ['bias', (all.bias as never as { dataSync(): Float32Array }).dataSync()[1]],
  ]);
  const renamed = applyBundleChange(one, await renameTailors(from(one), { from: 'y', to: 'z', ...network }));
  expect((await openBundleManifest(from(renamed), network)).config.groups[3].classNames).toEqual(['z']);
  for (const { params } of [opened, left]) disposeParams(params as ParamTree);
});

test('a bundle of version 2 is read, grows and merges', async () => {
  const model = { config: mixerConfig(), params: noisyMixer(mixerConfig()) };
  const files = await decomposeKind(model);
  const old = await olderBundle(files, 2);
  const opened = await openBundle(from(old), network);
  expect(opened.config).toEqual(model.config);
  disposeParams(opened.params as ParamTree);
  const sent = new Map([['n', await encodeTailors(novelOn(model), 'n', await baseHash(model))]]);
  const grown = applyBundleChange(old, await addTailors(from(old), sent, network));
  const merged = applyBundleChange(files, await mergeBundles(from(files), from(grown), network));
  expect(merged.get('tailors/n.safetensors')).toEqual(sent.get('n'));
  const other = mixerConfig({ network: { ...MIXER, rows: { ...MIXER.rows, 'extra.row': [2] } } });
  expect(await baseHash({ config: other, params: model.params })).not.toBe(await baseHash(model));
});
