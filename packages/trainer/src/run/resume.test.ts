import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noProgress, type Progress, parseConfig } from '@learngene/pipeline';
import { readRunRecord } from '@learngene/pipeline/node';
import { lockMarker, writeSafetensors } from '@learngene/tensor-io/node';
import { tinyImages, useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { withoutRights } from '@learngene/testing/without-rights';
import { beforeAll, describe, expect, test } from 'vitest';
import { prepareDemoFolder } from '../demo/folder';
import { PIXEL_PLAN } from '../demo/plans';
import { preparePretraining, pretrain, resumePretraining } from '../pretrain/pretrain';
import { checkNewRun } from '../run-folder/create-run';
import { prepareTransfer, resumeTransfer, transfer } from '../transfer/transfer';

const folder = temporaryFolder('resume');
const images = join(folder, 'images.safetensors');
const base = fileURLToPath(new URL('../../../pipeline/fixtures/format-1/bundle', import.meta.url));
const signal = new AbortController().signal;
const options = { engine: 'cpu', signal };

beforeAll(async () => {
  await useTestBackend();
  const { tensors, metadata } = tinyImages();
  await writeSafetensors(images, tensors, { metadata });
});

/** Receives messages, and keeps them. */
function listening(): { said: string[]; progress: Progress } {
  const said: string[] = [];
  const hear = (text: string) => void said.push(text);
  return { said, progress: { ...noProgress, info: hear, warn: hear } };
}

const requested = {
  data: { source: 'packed', path: images },
  model: { patchSize: 4, hiddenSize: 16, depth: 1, heads: 2, learngeneRank: 4, tailorRank: 2 },
  training: { steps: 2, batchSize: 4, warmup: 1, checkpointEvery: 1, logEvery: 1, sampleEvery: 0 },
};

const started = {
  async train(run: string, steps = 2) {
    const config = parseConfig({ ...requested, training: { ...requested.training, steps } }, 'test');
    const prepared = await preparePretraining(config, { kind: 'kind', progress: noProgress });
    await pretrain(prepared, { run, progress: noProgress, ...options });
  },
  async transfer(run: string, steps = 2) {
    const { data, training } = requested;
    const request = {
      requested: { data, training: { ...training, steps } },
      source: 'test',
      dataGiven: true,
      classes: ['dots'],
    };
    const prepared = await prepareTransfer(base, { ...request, domain: 'near', progress: noProgress });
    await transfer(prepared, { run, progress: noProgress, ...options });
  },
};
const resumed = {
  async train(run: string, progress: Progress) {
    await pretrain(await resumePretraining(run, { progress }), { run, progress, ...options });
  },
  async transfer(run: string, progress: Progress) {
    await transfer(await resumeTransfer(run, { progress }), { run, progress, ...options });
  },
};
const extended = {
  async train(run: string, steps: number) {
    const prepared = await resumePretraining(run, { requested: { training: { steps } }, progress: noProgress });
    await pretrain(prepared, { run, progress: noProgress, ...options });
  },
  async transfer(run: string, steps: number) {
    const prepared = await resumeTransfer(run, { requested: { training: { steps } }, progress: noProgress });
    await transfer(prepared, { run, progress: noProgress, ...options });
  },
};

describe.each(['train', 'transfer'] as const)('a resumed run of %s', (command) => {
  const run = join(folder, command);
  const note = `${run}: no checkpoint found: starts at step 0`;

  test('without a checkpoint says that it starts over; with one it does not', async () => {
    await started[command](run);
    const withOne = listening();
    await resumed[command](run, withOne.progress);
    expect(withOne.said).not.toContain(note);
    rmSync(join(run, 'checkpoints'), { recursive: true });
    const without = listening();
    await resumed[command](run, without.progress);
    expect(without.said).toContain(note);
    expect(readdirSync(join(run, 'checkpoints'))).toContain('step-2');
  });

  test('goes on to more steps, with the bits of a run that was started with as many, and keeps a note of it', async () => {
    const [longer, whole] = [join(folder, `${command}-longer`), join(folder, `${command}-whole`)];
    cpSync(run, longer, { recursive: true });
    await extended[command](longer, 4);
    await started[command](whole, 4);
    const bits = (path: string) =>
      readdirSync(join(path, 'checkpoints/step-4'))
        .filter((name) => name.endsWith('.safetensors'))
        .map((name) => [name, readFileSync(join(path, 'checkpoints/step-4', name)).toString('base64')]);
    expect(bits(longer).length).toBeGreaterThan(1);
    expect(bits(longer)).toEqual(bits(whole));
    const record = await readRunRecord(longer);
    expect(record.config.training.steps).toBe(4);
    expect(record.changes).toEqual([{ step: 2, config: { 'training.steps': [2, 4] } }]);
    expect((await readRunRecord(run)).changes).toBeUndefined();
  });

  test('is left as it is where its newest checkpoint is damaged, also when more steps are asked for', async () => {
    const damaged = join(folder, `${command}-damaged`);
    cpSync(run, damaged, { recursive: true });
    writeFileSync(join(damaged, 'checkpoints/step-2/params.safetensors'), 'cut');
    const before = readFileSync(join(damaged, 'config.json'), 'utf8');
    await expect(extended[command](damaged, 4)).rejects.toThrow('params.safetensors');
    expect(readFileSync(join(damaged, 'config.json'), 'utf8')).toBe(before);
  });

  test('is left as it is while another process works in it', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(other, 'spawn');
    const state = () => [readFileSync(join(run, 'metrics.jsonl'), 'utf8'), readdirSync(join(run, 'checkpoints'))];
    const before = state();
    writeFileSync(join(run, lockMarker(other.pid as number)), '');
    try {
      const refused = `${run}: another process (id ${other.pid}) works in this run`;
      await expect(resumed[command](run, noProgress)).rejects.toThrow(refused);
      expect(state()).toEqual(before);
    } finally {
      other.kill('SIGKILL');
      await once(other, 'exit');
    }
    await resumed[command](run, noProgress);
    expect(readdirSync(run).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test.skipIf(process.platform === 'win32')(
    'needs a folder that may be written, before its data are opened',
    async () => {
      const locked = join(folder, `${command}-locked`);
      cpSync(run, locked, { recursive: true });
      const path = join(locked, 'config.json');
      writeFileSync(path, readFileSync(path, 'utf8').replaceAll(images, join(folder, 'gone.safetensors')));
      await expect(resumed[command](locked, noProgress)).rejects.toThrow('gone.safetensors');
      await withoutRights(folder, locked, async () => {
        await expect(resumed[command](locked, noProgress)).rejects.toThrow(
          `${locked}: cannot write: permission denied (EACCES)`,
        );
      });
    },
  );
});

test.skipIf(process.platform === 'win32')('a new folder is made only where one may write', async () => {
  const locked = join(folder, 'locked');
  mkdirSync(locked);
  await withoutRights(folder, locked, async () => {
    for (const path of [locked, join(locked, 'run'), join(locked, 'deep', 'run')]) {
      const message = `${path}: cannot write: permission denied (EACCES)`;
      await expect(checkNewRun(path)).rejects.toThrow(message);
      await expect(prepareDemoFolder(path, PIXEL_PLAN, { seed: 0 })).rejects.toThrow(message);
    }
  });
  await checkNewRun(join(locked, 'run'));
  expect(existsSync(join(locked, 'run'))).toBe(false);
});
