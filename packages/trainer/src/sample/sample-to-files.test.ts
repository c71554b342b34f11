import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSamples } from '@learngene/metrics/node';
import { noProgress } from '@learngene/pipeline';
import { describeSource } from '@learngene/pipeline/node';
import { gridPng } from '@learngene/report/node';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { type SampleToFilesOptions, sampleToFiles } from './sample-to-files';

// Of pipeline: calls of `learngene sample` of an older version on the cpu engine, and what they drew.
const fixtures = fileURLToPath(new URL('../../../pipeline/fixtures/format-1', import.meta.url));
const expected: { from: string; options: object; sha256: string }[] = JSON.parse(
  readFileSync(join(fixtures, 'expected.json'), 'utf8'),
);
const work = temporaryFolder('sample');

beforeAll(async () => {
  await useTestBackend();
  await tf.setBackend('cpu');
});

async function sample(name: string, options: Partial<SampleToFilesOptions> = {}, from = join(fixtures, 'run')) {
  const source = await describeSource(from);
  const out = join(work, name, 'grid.png');
  const { sampling } = source.recipe;
  const common = { count: 2, columns: 8, seed: 5, batchSize: 16, progress: noProgress };
  const { signal } = new AbortController();
  const result = await sampleToFiles(source, { out, ids: [0, 1, 2], sampling, signal, ...common, ...options });
  return { result, out };
}

describe('sampleToFiles', () => {
  test('draws the images that an older version drew, and writes them and their labels', async () => {
    const { from, sha256, options } = expected[0];
    expect([from, options]).toEqual(['run', { count: 2, seed: 5 }]);
    const npz = join(work, 'all', 'deep', 'samples.npz');
    const { result } = await sample('all', { npz });
    expect(result.count).toBe(6);
    expect(result.seconds).toBeGreaterThan(0);
    const { images, labels, classes } = await readSamples(npz);
    expect(images).toMatchObject({ count: 6, height: 8, width: 8, channels: 3 });
    expect(createHash('sha256').update(images.data).digest('hex')).toBe(sha256);
    expect([...(labels ?? [])]).toEqual([0, 0, 1, 1, 2, 2]);
    expect(classes).toEqual(['bars', 'dots', 'flat']);
  });

  test('the grid has a row a class, and holds the images of the npz', async () => {
    const npz = join(work, 'grid', 'samples.npz');
    const { out } = await sample('grid', { ids: [2, 0], npz });
    const { images, labels } = await readSamples(npz);
    expect([...(labels ?? [])]).toEqual([2, 2, 0, 0]);
    expect(readFileSync(out).equals(await gridPng(images, 2))).toBe(true);
    const { out: narrow } = await sample('narrow', { ids: [2, 0], columns: 1 });
    expect(readFileSync(narrow).equals(await gridPng(images, 1))).toBe(true);
  });

  test('of a bundle only the tailors of the classes are needed, and the images and labels are those of the whole', async () => {
    const bundle = join(work, 'bundle');
    cpSync(join(fixtures, 'bundle'), bundle, { recursive: true });
    for (const name of ['bars', 'flat']) rmSync(join(bundle, 'tailors', `${name}.safetensors`));
    const npz = (name: string) => join(work, name, 'samples.npz');
    await sample('whole', { ids: [1], npz: npz('whole') });
    await sample('part', { ids: [1], npz: npz('part') }, bundle);
    expect(readFileSync(npz('part')).equals(readFileSync(npz('whole')))).toBe(true);
    await expect(sample('lacking', { ids: [0] }, bundle)).rejects.toThrow(
      `${bundle}/tailors/bars.safetensors: cannot be fetched`,
    );
  });

  test('an abort before the first step writes nothing and leaks nothing', async () => {
    const reason = new Error('enough');
    const npz = join(work, 'stopped', 'samples.npz');
    await expectNoLeak(async () => {
      await expect(sample('stopped', { signal: AbortSignal.abort(reason), npz })).rejects.toBe(reason);
    });
    expect([npz, join(work, 'stopped', 'grid.png')].map((path) => existsSync(path))).toEqual([false, false]);
  });

  test('leaks nothing', () => expectNoLeak(async () => void (await sample('leak', { count: 1 }))));
});
