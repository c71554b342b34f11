import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import '@tensorflow/tfjs-backend-cpu';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../errors';
import { noProgress } from '../../progress';
import { mergeIntoBundle } from '../bundle/change-bundle';
import { checkBundle, listBundle } from '../bundle/read-bundle';
import { inspectPath } from '../inspect/inspect-path';
import { modelFolder } from '../load-model';
import { openPipeline } from '../open-pipeline';
import { describeSource } from '../path-source';
import { installedBundle } from './installed-bundle';

const folder = temporaryFolder('installed-bundle');
const elsewhere = join(folder, 'program', 'bin.mjs');

/** Writes package.json of an installed package; returns its folder. */
function install(name: string, fields: object, place = folder): string {
  const at = join(place, 'node_modules', name);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, 'package.json'), JSON.stringify({ name, version: '1.0.0', ...fields }));
  return at;
}

const before = process.cwd();
beforeAll(() => {
  mkdirSync(dirname(elsewhere), { recursive: true });
  process.chdir(folder);
});
afterAll(() => process.chdir(before));

describe('installedBundle', () => {
  beforeAll(() => {
    install('@some/bundle', { learngene: { bundle: './files' } });
    install('plain', { learngene: { bundle: 'files' } });
    install('@some/none', {});
    install('none', {});
    install('@some/hidden', { exports: { '.': './index.js' } });
    install('@some/outside', { learngene: { bundle: '../../..' } });
    install('@some/of-the-program', { learngene: { bundle: 'files' } }, dirname(elsewhere));
    install('twice', { learngene: { bundle: 'mine' } });
    install('twice', { learngene: { bundle: 'theirs' } }, dirname(elsewhere));
    mkdirSync(join(folder, '@here', 'folder'), { recursive: true });
    install('@here/folder', { learngene: { bundle: 'files' } });
  });

  const places = [join(folder, 'package.json'), elsewhere];
  const at = (...parts: string[]) => resolve(folder, ...parts);

  test.each([
    ['@some/bundle', at('node_modules/@some/bundle/files')],
    ['plain', at('node_modules/plain/files')],
    ['@some/of-the-program', at('program/node_modules/@some/of-the-program/files')],
    ['twice', at('node_modules/twice/mine')],
  ])('the package %s gives its bundle', async (name, expected) => {
    expect(await installedBundle(name, '--from', places)).toBe(expected);
  });

  test.each(['@here/folder', 'program', 'no-such-folder', 'runs/emoji', './plain', 'none', '/plain', 'Plain'])(
    '%s stays a path',
    async (path) => {
      expect(await installedBundle(path, '--from', places)).toBe(path);
    },
  );

  test('a package that is not installed is named with what installs it', async () => {
    const error = installedBundle('@some/other', '--from', places);
    await expect(error).rejects.toThrow(ConfigError);
    await expect(error).rejects.toThrow(
      '--from @some/other: no such file or folder, and no package of this name is installed: npm install @some/other',
    );
  });

  test.each(['@some/none', '@some/hidden', '@some/outside'])('%s holds no bundle', async (name) => {
    await expect(installedBundle(name, '--from', places)).rejects.toThrow(
      `--from ${name}: expected a package that holds a bundle (learngene.bundle in package.json)`,
    );
  });
});

describe('what reads a bundle takes the name of a package', () => {
  let bundle = '';
  beforeAll(async () => {
    await tf.setBackend('cpu');
    bundle = join(install('@some/real', { learngene: { bundle: 'bundle' } }), 'bundle');
    cpSync(fileURLToPath(new URL('../../../fixtures/format-1/bundle', import.meta.url)), bundle, { recursive: true });
    cpSync(bundle, join(folder, 'mine'), { recursive: true });
  });

  test.each<[string, (source: string) => Promise<unknown>]>([
    ['describeSource', async (source) => (await describeSource(source)).classNames],
    ['modelFolder', (source) => modelFolder(source, { progress: noProgress, argument: '--from' })],
    ['listBundle', listBundle],
    ['checkBundle', checkBundle],
    ['inspectPath', (source) => inspectPath(source, { needEngine: async () => {} })],
    [
      'openPipeline',
      async (source) => {
        const pipeline = await openPipeline(source);
        const { data } = await pipeline.sample({ count: 1, steps: 1 });
        pipeline.dispose();
        return data;
      },
    ],
    ['mergeIntoBundle, which reads the second', (source) => mergeIntoBundle('mine', source)],
  ])('%s', async (_, read) => {
    expect(await read('@some/real')).toEqual(await read(bundle));
  });

  test('what changes a bundle does not take one', async () => {
    await expect(mergeIntoBundle('@some/real', 'mine')).rejects.toThrow('@some/real: no such file or folder');
  });
});
