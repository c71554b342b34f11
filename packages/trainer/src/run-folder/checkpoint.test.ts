import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ditConfig } from '@learngene/dit';
import { kindConfig } from '@learngene/kind';
import { ConfigError, noProgress, parseConfig } from '@learngene/pipeline';
import {
  checkpointPath,
  checkpointSteps,
  isRunFolder,
  type KindRunRecord,
  loadCheckpoint,
  RUN_FORMAT,
  readRunRecord,
} from '@learngene/pipeline/node';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createRunFolder, pruneCheckpoints } from './create-run';
import { lockRun } from './run-lock';
import { saveCheckpoint } from './save-checkpoint';

const folder = temporaryFolder('run');
beforeAll(useTestBackend);

const dit = ditConfig({ inputSize: 4, patchSize: 2, inChannels: 1, hiddenSize: 8, depth: 1, heads: 2, classes: 1 });
const record: KindRunRecord = {
  format: RUN_FORMAT,
  command: 'train',
  kind: 'kind',
  config: parseConfig({}, 'test'),
  model: kindConfig({ dit, learngeneRank: 2, tailorRank: 1, groups: [{ name: 'a', classes: [0] }] }),
  engine: 'cpu',
  versions: {},
};

let run = '';
let count = 0;
beforeEach(async () => {
  run = join(folder, `run-${count++}`);
  await createRunFolder(run, record);
});

describe('a run folder', () => {
  test('reads back, and is not created twice', async () => {
    expect(isRunFolder(run)).toBe(true);
    expect(await readRunRecord(run)).toEqual(record);
    mkdirSync(checkpointPath(run, 3));
    await expect(createRunFolder(run, record)).rejects.toThrow('there is a run already');
    await expect(readRunRecord(folder)).rejects.toThrow('not a run folder');
  });
  test('without a checkpoint begins again with other settings, unless a process works in it or it holds more', async () => {
    const other = { ...record, config: parseConfig({ training: { learningRate: 1e-5 } }, 'test') };
    writeFileSync(join(run, 'metrics.jsonl'), '{"step":1,"loss":null}\n');
    writeFileSync(join(run, 'samples', 'step-1.png'), 'noise');
    const said: string[] = [];
    const progress = { ...noProgress, warn: (text: string) => said.push(text) };
    const release = await lockRun(run);
    await expect(createRunFolder(run, other, progress)).rejects.toThrow('another training of this process works in');
    await release();
    expect(said).toEqual([]);
    await createRunFolder(run, other, progress);
    expect(said).toEqual([`${run}: holds a run without a checkpoint, which begins again`]);
    expect(await readRunRecord(run)).toEqual(other);
    expect(readdirSync(run).sort()).toEqual(['checkpoints', 'config.json', 'samples']);
    expect(readdirSync(join(run, 'samples'))).toEqual([]);
    writeFileSync(join(run, 'notes.txt'), 'mine');
    await expect(createRunFolder(run, record)).rejects.toThrow('this one holds notes.txt; give another');
    const foreign = join(folder, `foreign-${count++}`);
    mkdirSync(join(foreign, 'checkpoints'), { recursive: true });
    writeFileSync(join(foreign, 'config.json'), '{"model_type":"bert"}');
    await expect(createRunFolder(foreign, record)).rejects.toThrow('there is a run already');
  });
  test('checkpoints without a record are not taken over', async () => {
    mkdirSync(checkpointPath(run, 3));
    rmSync(join(run, 'config.json'));
    await expect(createRunFolder(run, record)).rejects.toThrow('checkpoints of a run without its config.json');
  });
  test.each<[string, string, string]>([
    ['text', 'rubbish', 'not valid JSON'],
    ['null', 'null', 'format 1'],
    ['another format', JSON.stringify({ ...record, format: 3 }), 'format 1 or 2'],
    ['a wrong model', JSON.stringify({ ...record, model: { ...record.model, learngeneRank: 0 } }), 'model'],
    [
      'a group with a rank below 0',
      JSON.stringify({
        ...record,
        model: { ...record.model, groups: record.model.groups.map((g) => ({ ...g, tailorRank: -1 })) },
      }),
      'model',
    ],
    [
      'an unknown field',
      JSON.stringify({ ...record, precision: 'f16' }),
      'expected only format, command, kind, config',
    ],
    ['a key twice', JSON.stringify(record).replace('{', '{"format":1,'), 'holds a key twice: "format"'],
    ['a wrong config', JSON.stringify({ ...record, config: { sed: 1 } }), 'did you mean seed?'],
  ])('a record of %s is refused', async (_, text, message) => {
    writeFileSync(join(run, 'config.json'), text);
    await expect(readRunRecord(run)).rejects.toThrow(ConfigError);
    await expect(readRunRecord(run)).rejects.toThrow(message);
  });
  test('pruning keeps the newest, and sweeps what an interrupted write left', async () => {
    for (const step of [5, 10, 100, 20]) mkdirSync(checkpointPath(run, step));
    mkdirSync(join(run, 'checkpoints', '.step-30.00aa.tmp'));
    writeFileSync(join(run, 'checkpoints', '.step-30.00aa.tmp', 'params.safetensors'), 'half');
    mkdirSync(join(run, 'checkpoints', 'notes'));
    expect(await checkpointSteps(run)).toEqual([5, 10, 20, 100]);
    await pruneCheckpoints(run, 2);
    expect(readdirSync(join(run, 'checkpoints')).sort()).toEqual(['notes', 'step-100', 'step-20']);
  });
});

describe('a checkpoint', () => {
  const state = { place: [1, 2.5, null], name: 'größer', nested: { missing: undefined, there: true } };
  const save = async () => {
    const weight = tf.tensor2d([
      [1, -0],
      [1e-40, 3.4e38],
    ]);
    await saveCheckpoint(run, 7, { trees: { params: { a: { weight } }, ema: { weight } }, state });
    weight.dispose();
  };

  test('reads back bit for bit, whole or in part', async () => {
    await save();
    await expectNoLeak(async () => {
      const { trees, state: read } = await loadCheckpoint(run, 7);
      const { weight } = trees.params.a as { weight: tf.Tensor };
      const values = Array.from(await weight.data());
      expect(values).toEqual([1, -0, Math.fround(1e-40), Math.fround(3.4e38)]);
      expect(read).toEqual(JSON.parse(JSON.stringify(state)));
      weight.dispose();
      (trees.ema.weight as tf.Tensor).dispose();
    });
    const { trees } = await loadCheckpoint(run, 7, ['ema']);
    expect(Object.keys(trees)).toEqual(['ema']);
    (trees.ema.weight as tf.Tensor).dispose();
  });

  test.each<[string, string, (text: string) => string | undefined, RegExp]>([
    ['a missing state', 'state.json', () => undefined, /state.json: cannot be read/],
    ['an edited state', 'state.json', (text) => text.replace('2.5', '2.4'), /state.json: its checksum/],
    [
      'another format',
      'state.json',
      (text) => text.replace('"format":2', '"format":3'),
      /checkpoint of format 1 or 2, got format 3/,
    ],
    ['a missing tree', 'ema.safetensors', () => undefined, /ema.safetensors/],
    ['a damaged tree', 'ema.safetensors', (text) => text.replace('weight', 'weighs'), /ema.safetensors: its checksum/],
  ])('%s is refused, and nothing leaks', async (_, file, damage, message) => {
    await save();
    const path = join(checkpointPath(run, 7), file);
    const text = damage(readFileSync(path, 'latin1'));
    rmSync(path);
    if (text !== undefined) writeFileSync(path, text, 'latin1');
    await expectNoLeak(async () => {
      await expect(loadCheckpoint(run, 7)).rejects.toThrow(message);
    });
  });

  test('a failing write leaves the one before and no rubbish', async () => {
    await save();
    const before = readFileSync(join(checkpointPath(run, 7), 'state.json'), 'utf8');
    const round: Record<string, unknown> = {};
    round.self = round;
    await expect(saveCheckpoint(run, 7, { trees: {}, state: round })).rejects.toThrow('circular');
    expect(readFileSync(join(checkpointPath(run, 7), 'state.json'), 'utf8')).toBe(before);
    expect(readdirSync(join(run, 'checkpoints'))).toEqual(['step-7']);
  });
});
