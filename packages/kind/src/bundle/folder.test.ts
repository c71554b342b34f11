import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { disposeParams } from '@learngene/nn';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { bits, randomModel, tinyConfig } from '../../test/random-model';
import type { KindModel } from '../params';
import { BundleError } from './bundle-error';
import { decomposeKind } from './decompose';
import { loadBundle, readBundleManifest, saveBundle } from './folder';

const root = temporaryFolder('kind');

let model: KindModel;
let folder: string;
let count = 0;
beforeAll(async () => {
  await useTestBackend();
  model = randomModel(tinyConfig());
});
beforeEach(async () => {
  folder = join(root, `bundle-${count++}`);
  await saveBundle(folder, model, { metadata: { note: 'x' } });
});

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (error: unknown) => {
      expect(error).toBeInstanceOf(BundleError);
      const { message, file, problem } = error as BundleError;
      expect(message.startsWith(root)).toBe(true);
      expect(message.endsWith(`/${file}: ${problem}`)).toBe(true);
      return message;
    },
  );

describe('saveBundle and loadBundle', () => {
  test('give back every bit', async () => {
    const loaded = await loadBundle(folder);
    expect(loaded.config).toEqual(model.config);
    expect(loaded.metadata).toEqual({ note: 'x' });
    expect(Object.fromEntries(bits(loaded))).toEqual(Object.fromEntries(bits(model)));
    disposeParams(loaded.params);
  });

  test('write the files of decomposeKind and no others', async () => {
    const files = await decomposeKind(model, { note: 'x' });
    const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(found.length).toBe(files.size);
    for (const [file, bytes] of files) expect(new Uint8Array(readFileSync(join(folder, file)))).toEqual(bytes);
  });

  test('need only the pieces asked for', async () => {
    rmSync(join(folder, 'tailors/7.safetensors'));
    const loaded = await loadBundle(folder, { groups: ['a.b/../c'] });
    expect(Object.keys(loaded.params.tailors)).toEqual(['a.b/../c']);
    disposeParams(loaded.params);
    expect(await refusal(loadBundle(folder))).toMatch(/bundle-\d+\/tailors\/7.safetensors: cannot be fetched: ENOENT/);
  });

  test('leave a folder alone unless told to replace it', async () => {
    const other = randomModel(tinyConfig(), 2);
    const bad = { ...model, params: { ...model.params, tailors: {} } };
    await expect(saveBundle(folder, other)).rejects.toThrow('it exists already');
    await expect(saveBundle(folder, bad, { replace: true })).rejects.toThrow('not loaded');
    expect((await kept()).get('shared: label.null')).toEqual(bits(model).get('shared: label.null'));
    await saveBundle(folder, other, { replace: true });
    expect((await kept()).get('shared: label.null')).toEqual(bits(other).get('shared: label.null'));
    expect(readdirSync(root).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    disposeParams(other.params);
  });
  const kept = async () => {
    const loaded = await loadBundle(folder);
    const values = bits(loaded);
    disposeParams(loaded.params);
    return values;
  };

  test('leak nothing', async () => {
    await expectNoLeak(async () => {
      await saveBundle(folder, model, { replace: true });
      disposeParams((await loadBundle(folder)).params);
    });
  });
});

describe('readBundleManifest', () => {
  test('reads the config and the metadata of a bundle, and no tensor', async () => {
    rmSync(join(folder, 'learngenes.safetensors'));
    await expectNoLeak(async () => {
      const { config, metadata } = await readBundleManifest(folder);
      expect(config).toEqual(model.config);
      expect(metadata).toEqual({ note: 'x' });
    });
    truncateSync(join(folder, 'kind.json'), 20);
    await expect(readBundleManifest(folder)).rejects.toThrow(BundleError);
    await expect(readBundleManifest(root)).rejects.toThrow(BundleError);
  });
});

describe('loadBundle', () => {
  test('reads nothing outside the folder', async () => {
    const outside = join(root, `outside-${count}`);
    mkdirSync(outside);
    const piece = join(folder, 'shared.safetensors');
    renameSync(piece, join(outside, 'shared.safetensors'));
    symlinkSync(join(outside, 'shared.safetensors'), piece);
    expect(await refusal(loadBundle(folder))).toBe(`${folder}/shared.safetensors: leads out of the folder`);
    rmSync(piece);
    renameSync(join(outside, 'shared.safetensors'), piece);
    renameSync(join(folder, 'tailors'), join(outside, 'tailors'));
    symlinkSync(join(outside, 'tailors'), join(folder, 'tailors'));
    expect(await refusal(loadBundle(folder))).toMatch(/bundle-\d+\/tailors\/.*: leads out of the folder$/);
  });

  test('follows a link that stays inside, and a link to the folder', async () => {
    renameSync(join(folder, 'shared.safetensors'), join(folder, 'real'));
    symlinkSync('real', join(folder, 'shared.safetensors'));
    symlinkSync(folder, `${folder}-link`);
    const loaded = await loadBundle(`${folder}-link`);
    expect(loaded.config).toEqual(model.config);
    disposeParams(loaded.params);
  });

  test('compares the size on disk before it reads', async () => {
    const sparse = join(folder, 'learngenes.safetensors');
    truncateSync(sparse, 2 ** 41);
    expect(await refusal(loadBundle(folder))).toMatch(
      /bundle-\d+\/learngenes.safetensors: expected \d+ bytes, got 2199023255552$/,
    );
    truncateSync(join(folder, 'kind.json'), 2 ** 41);
    expect(await refusal(loadBundle(folder))).toBe(
      `${folder}/kind.json: expected at most 16777216 bytes, got 2199023255552`,
    );
  });

  test('refuses a folder in the place of a file, and no folder', async () => {
    rmSync(join(folder, 'shared.safetensors'));
    mkdirSync(join(folder, 'shared.safetensors'));
    expect(await refusal(loadBundle(folder))).toBe(`${folder}/shared.safetensors: is no regular file`);
    expect(existsSync(join(root, 'none'))).toBe(false);
    expect(await refusal(loadBundle(join(root, 'none')))).toMatch(/none\/kind.json: cannot be fetched: ENOENT/);
  });
});
