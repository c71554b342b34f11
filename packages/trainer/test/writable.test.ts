import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { noProgress, parseConfig } from '@learngene/pipeline';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { withoutRights } from '@learngene/testing/without-rights';
import { beforeAll, describe, expect, test } from 'vitest';
import { checkDemoFolder } from '../src/demo/folder';
import { PIXEL_PLAN } from '../src/demo/plans';
import { preparePretraining, pretrain, resumePretraining } from '../src/pretrain/pretrain';
import { checkNewRun } from '../src/run-folder/create-run';
import { prepareTransfer, resumeTransfer, transfer } from '../src/transfer/transfer';
import { parseVaeTrainingConfig } from '../src/vae/config';
import { prepareVaeTraining, resumeVaeTraining, trainVae } from '../src/vae/train-vae';
import { makeImages } from './tiny-latents';

const folder = temporaryFolder('writable');
const at = (...parts: string[]) => join(folder, ...parts);
const images = at('images.safetensors');
const progress = noProgress;
const options = { engine: 'cpu', progress, signal: new AbortController().signal };

const data = { source: 'packed', path: images };
const model = { patchSize: 4, hiddenSize: 16, depth: 1, heads: 2, learngeneRank: 4, tailorRank: 2 };
const training = { steps: 2, batchSize: 4, warmup: 1, checkpointEvery: 1, logEvery: 1, sampleEvery: 0 };
const vae = { encoderWidths: [4], encoderBlocks: [1], decoderWidths: [4], decoderBlocks: [1], latentChannels: 2 };

/** How each kind of run is started and opened again. */
const commands = {
  train: {
    async start(run: string) {
      const config = parseConfig(
        { data: { ...data, classes: ['bars', 'dots'], novel: ['flat'] }, model, training },
        'test',
      );
      await pretrain(await preparePretraining(config, { kind: 'kind', progress }), { run, ...options });
    },
    resume: (run: string) => resumePretraining(run, { progress }),
  },
  transfer: {
    async start(run: string) {
      const request = { requested: { training }, source: 'test', dataGiven: false, domain: 'near', progress } as const;
      await transfer(await prepareTransfer(at('train'), request), { run, ...options });
    },
    resume: (run: string) => resumeTransfer(run, { progress }),
  },
  'vae train': {
    async start(run: string) {
      const prepared = await prepareVaeTraining(
        parseVaeTrainingConfig({ data, model: vae, training }, 'test'),
        progress,
      );
      await trainVae(prepared, { run, ...options });
    },
    resume: (run: string) => resumeVaeTraining(run, { progress }),
  },
};

beforeAll(async () => {
  await useTestBackend();
  await makeImages(images);
  for (const [name, { start }] of Object.entries(commands)) await start(at(name));
});

/** What lies in a folder: names, sizes and times. */
const content = (path: string) =>
  readdirSync(path, { recursive: true })
    .map(String)
    .sort()
    .map((name) => [name, statSync(join(path, name)).mtimeMs, statSync(join(path, name)).size]);

const places = ['.', 'checkpoints', 'samples', 'metrics.jsonl'];
const cases = Object.keys(commands).flatMap((name) =>
  places.map((place) => [name as keyof typeof commands, place] as const),
);

describe.skipIf(process.platform === 'win32')('a run is continued only where it may be written', () => {
  test.each(cases)('%s: %s', async (name, place) => {
    const run = at(`${name}-${place}-locked`);
    cpSync(at(name), run, { recursive: true });
    const record = join(run, 'config.json');
    // Data that are gone: the refusal must come before they are looked for.
    writeFileSync(record, readFileSync(record, 'utf8').replaceAll(images, at('gone.safetensors')));
    await expect(commands[name].resume(run)).rejects.toThrow('gone.safetensors');
    for (const path of ['.', ...places]) chmodSync(join(run, path), 0o777);
    const locked = join(run, place);
    if (place === 'metrics.jsonl') chmodSync(locked, 0o666);
    const before = content(run);
    await withoutRights(folder, locked, async () => {
      await expect(commands[name].resume(run)).rejects.toThrow(`${locked}: cannot write: permission denied (EACCES)`);
    });
    expect(
      content(run)
        .filter(([path]) => path !== place)
        .map(([path]) => path),
    ).toEqual(before.filter(([path]) => path !== place).map(([path]) => path));
    // With the rights again it is only the data that are missing.
    await expect(commands[name].resume(run)).rejects.toThrow('gone.safetensors');
  });
});

describe.skipIf(process.platform === 'win32')('a new run and a demo begin only where they may write', () => {
  test.each(['.', 'new', join('deep', 'new')])('%s in a folder that may not be written', async (name) => {
    const locked = at(`locked ${name.replace('/', '-')}`);
    mkdirSync(locked);
    const path = join(locked, name);
    await withoutRights(folder, locked, async () => {
      const message = `${path}: cannot write: permission denied (EACCES)`;
      await expect(checkNewRun(path)).rejects.toThrow(message);
      await expect(checkDemoFolder(path, PIXEL_PLAN, { seed: 0 })).rejects.toThrow(message);
    });
    await checkNewRun(path);
    expect(await checkDemoFolder(path, PIXEL_PLAN, { seed: 0 })).toBe('new');
    expect(readdirSync(locked)).toEqual([]);
  });

  test('an interrupted demo goes on only where its runs may be written', async () => {
    const out = at('demo');
    cpSync(at('train'), join(out, 'pretrain'), { recursive: true });
    writeFileSync(join(out, 'demo.json'), `${JSON.stringify({ format: 1, seed: 0, plan: PIXEL_PLAN })}\n`);
    expect(await checkDemoFolder(out, PIXEL_PLAN, { seed: 0 })).toBe('interrupted');
    for (const place of ['.', 'pretrain', join('pretrain', 'checkpoints')]) {
      for (const path of ['.', 'pretrain', join('pretrain', 'checkpoints'), join('pretrain', 'samples')]) {
        chmodSync(join(out, path), 0o777);
      }
      chmodSync(join(out, 'pretrain', 'metrics.jsonl'), 0o666);
      await withoutRights(folder, join(out, place), async () => {
        await expect(checkDemoFolder(out, PIXEL_PLAN, { seed: 0 })).rejects.toThrow(
          `${join(out, place)}: cannot write: permission denied (EACCES)`,
        );
      });
    }
  });
});

test('a file in the place of the folder of a demo, or above it, is refused by its name', async () => {
  for (const [path, message] of [
    [images, `out ${images}: expected a folder, this is a file`],
    [join(images, 'deeper'), `out ${join(images, 'deeper')}: ${images} is a file, not a folder`],
  ]) {
    await expect(checkDemoFolder(path, PIXEL_PLAN, { seed: 0 })).rejects.toThrow(message);
  }
});
