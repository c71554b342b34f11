import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../errors';
import { identify } from '../identify';
import { loadModel } from '../load-model';
import { openPipeline } from '../open-pipeline';
import { addToBundle, mergeIntoBundle, removeFromBundle, renameInBundle } from './change-bundle';
import { modelBase } from './model-base';
import { checkBundle, listBundle } from './read-bundle';

// A run and its bundle as an older version wrote them: no base, fields of other names.
const fixtures = fileURLToPath(new URL('../../../fixtures/format-1', import.meta.url));
const work = temporaryFolder('bundles');
const needEngine = async () => undefined;
let count = 0;

beforeAll(async () => {
  await useTestBackend();
  await tf.setBackend('cpu');
});

function copy(): string {
  const bundle = join(work, `bundle-${count++}`);
  cpSync(join(fixtures, 'bundle'), bundle, { recursive: true });
  return bundle;
}

async function drawn(bundle: string, name: string): Promise<Uint8Array> {
  const pipeline = await openPipeline(bundle, { classes: [name] });
  try {
    return new Uint8Array((await pipeline.sample({ count: 2, steps: 4, seed: 3 })).data);
  } finally {
    pipeline.dispose();
  }
}

describe('a bundle of an older version', () => {
  test('is listed and checked without a base, and gets one by its first change', async () => {
    const bundle = copy();
    const { base, groups } = await listBundle(bundle);
    expect([base, groups.map(({ name }) => name)]).toEqual([null, ['bars', 'dots', 'flat']]);
    const before = await checkBundle(bundle);
    expect(before).toMatchObject({ problems: [], strays: [] });
    const images = await drawn(bundle, 'dots');
    const change = await renameInBundle(bundle, { from: 'bars', to: 'stripes' });
    expect([...change.write.keys()]).toEqual(['tailors/stripes.safetensors', 'kind.json']);
    expect((await listBundle(bundle)).base).toBe(before.base);
    expect(await checkBundle(bundle)).toMatchObject({ base: before.base, problems: [], strays: [] });
    expect(await drawn(bundle, 'dots')).toEqual(images);
    const file = 'learngenes.safetensors';
    expect(readFileSync(join(bundle, file))).toEqual(readFileSync(join(fixtures, 'bundle', file)));
  });

  test('has the base of the run that it was taken from, and takes back a class from it', async () => {
    const bundle = copy();
    const loaded = await loadModel(join(fixtures, 'run'), []);
    const base = await modelBase(join(fixtures, 'run'), loaded);
    expect((await checkBundle(bundle)).base).toBe(base);
    const images = await drawn(bundle, 'flat');
    await removeFromBundle(bundle, ['flat']);
    await expect(drawn(bundle, 'flat')).rejects.toThrow('the model has no class "flat"');
    await expectNoLeak(async () => {
      await addToBundle(bundle, join(fixtures, 'run'), { classes: ['flat'], needEngine });
      expect(await drawn(bundle, 'flat')).toEqual(images);
      await removeFromBundle(bundle, ['flat']);
    });
    expect((await mergeIntoBundle(bundle, copy())).groups).toEqual(['bars', 'dots', 'flat']);
    expect((await mergeIntoBundle(bundle, copy())).write.size).toBe(0);
  });

  test('has files of tailors that name no base, and are refused alone', async () => {
    const [bundle, other] = [copy(), copy()];
    const old = join(other, 'tailors', 'dots.safetensors');
    await expect(addToBundle(bundle, old, { needEngine })).rejects.toThrow(ConfigError);
    await renameInBundle(other, { from: 'dots', to: 'spots' });
    const sent = join(other, 'tailors', 'spots.safetensors');
    expect(await identify(sent)).toEqual({ kind: 'tailors', what: `the tailors of one group of the bundle ${other}` });
    await addToBundle(bundle, sent, { needEngine });
    expect(await drawn(bundle, 'spots')).toEqual(await drawn(bundle, 'dots'));
  });
});
