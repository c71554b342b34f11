import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposeParams, flattenParams } from '@learngene/nn';
import { saveParams } from '@learngene/nn/node';
import { createGenerator } from '@learngene/random';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { classifierConfig } from './config';
import { describeClassifier, loadClassifier, saveClassifier } from './file';
import { initClassifier } from './model';

const config = classifierConfig({ height: 8, width: 8, channels: 3, classes: 4, hidden: [8, 12] });
let folder = '';
beforeAll(async () => {
  await useTestBackend();
  folder = await mkdtemp(join(tmpdir(), 'classifier-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('save and load keep every bit, and leak nothing', async () => {
  const path = join(folder, 'a.safetensors');
  await expectNoLeak(async () => {
    const params = initClassifier(createGenerator(1), config);
    await saveClassifier(path, params, config);
    const loaded = await loadClassifier(path);
    expect(loaded.config).toEqual(config);
    const [saved, read] = [flattenParams(params), flattenParams(loaded.params)];
    expect([...read.keys()].sort()).toEqual([...saved.keys()].sort());
    for (const [name, tensor] of saved) expect(read.get(name)?.dataSync()).toEqual(tensor.dataSync());
    disposeParams(params);
    disposeParams(loaded.params);
  });
});

test('keeps the names of the classes, which are read without an engine, too', async () => {
  const path = join(folder, 'named.safetensors');
  const params = initClassifier(createGenerator(1), config);
  const classes = ['a', 'b', 'c', 'd,e'];
  await saveClassifier(path, params, config, { classes });
  expect(await describeClassifier(path)).toEqual({ config, classes });
  const loaded = await loadClassifier(path);
  expect(loaded.classes).toEqual(classes);
  await expect(saveClassifier(path, params, config, { classes: ['a'] })).rejects.toThrow('expected 4 names, got 1');
  disposeParams(params);
  disposeParams(loaded.params);
});

test('other files are refused by name', async () => {
  const path = join(folder, 'b.safetensors');
  const params = initClassifier(createGenerator(1), config);
  await saveParams(path, params);
  await expect(loadClassifier(path)).rejects.toThrow(
    `${path}: expected metadata format 'learngene-classifier-1', got undefined`,
  );
  const save = (value: unknown) =>
    saveParams(path, params, { metadata: { format: 'learngene-classifier-1', config: JSON.stringify(value) } });
  await save({ ...config, classes: 1 });
  await expect(loadClassifier(path)).rejects.toThrow(`${path}: classes: expected an integer of at least 2, got 1`);
  await save({ ...config, classes: 5 });
  await expect(loadClassifier(path)).rejects.toThrow('logits.weight: expected [5, 64], got [4, 64]');
  for (const value of [null, 3]) {
    await save(value);
    await expect(loadClassifier(path)).rejects.toThrow(`classifier: expected an object of fields, got ${value}`);
  }
  disposeParams(params);
});
