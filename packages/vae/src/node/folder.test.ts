import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { paramsToTensorData } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { writeSafetensors } from '@learngene/tensor-io/node';
import { useTestBackend } from '@learngene/testing';
import { afterEach, beforeAll, beforeEach, expect, it as test } from 'vitest';
import { initVae } from '../init';
import { TINY_VAE_PRESETS, tinyVaeConfig } from '../tiny/config';
import { vaeToLayout } from '../weights/checkpoint';
import { vaeHash } from '../weights/hash';
import { readVae, writeVae } from './folder';
import { readOriginalVae } from './original';

beforeAll(useTestBackend);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'learngene-vae-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const config = tinyVaeConfig({ ...TINY_VAE_PRESETS.shuffle, encoderWidths: [4, 4, 4], decoderWidths: [4, 4, 4] });

test('a folder is written whole and read back, with its hash', async () => {
  const tensors = await paramsToTensorData(initVae(createGenerator(0), config));
  const path = join(folder, 'vae');
  await writeVae(path, { config, tensors });
  expect(readdirSync(path).sort()).toEqual(['config.json', 'model.safetensors']);
  const read = await readVae(path);
  expect(read.config).toEqual(config);
  expect(read.hash).toBe(await vaeHash(tensors, config));
  await expect(writeVae(path, { config, tensors })).rejects.toThrow('vae');
  await writeVae(path, { config, tensors }, { dtype: 'F16', replace: true });
  const half = await readVae(path);
  expect(half.hash).not.toBe(read.hash);
  expect(half.tensors.get('encoder.out.bias')?.dtype).toBe('F16');
});

test('the shuffle autoencoder has 1.64 million numbers, and two bytes a number in half precision', async () => {
  const whole = TINY_VAE_PRESETS.shuffle;
  const tensors = await paramsToTensorData(initVae(createGenerator(0), whole));
  expect([...tensors.values()].reduce((sum, { data }) => sum + data.length, 0)).toBe(1644428);
  const path = join(folder, 'vae');
  await writeVae(path, { config: whole, tensors }, { dtype: 'F16' });
  expect(statSync(join(path, 'model.safetensors')).size).toBeLessThan(2 * 1644428 + 20_000);
});

test('what is wrong is said with the path', async () => {
  const path = join(folder, 'vae');
  await writeVae(path, { config, tensors: await paramsToTensorData(initVae(createGenerator(0), config)) });
  writeFileSync(join(path, 'config.json'), '{}');
  await expect(readVae(path)).rejects.toThrow(`${join(path, 'config.json')}: _class_name: expected`);
  rmSync(join(path, 'config.json'));
  await expect(readVae(path)).rejects.toThrow('config.json');
});

test('original weights are read of one file under a key, and of two', async () => {
  const small = { encoderWidths: [4, 4], encoderBlocks: [1, 1], decoderWidths: [4, 4], decoderBlocks: [1, 1] };
  const tiny = tinyVaeConfig('taesd', small);
  const tensors = await paramsToTensorData(initVae(createGenerator(1), tiny));
  const stored = vaeToLayout(tensors, tiny, 'original');
  const part = (name: string) =>
    new Map([...stored].filter(([key]) => key.startsWith(`${name}.`)).map(([key, value]) => [key.slice(8), value]));
  const files = { encoder: join(folder, 'encoder.safetensors'), decoder: join(folder, 'decoder.safetensors') };
  await writeSafetensors(files.encoder, part('encoder'));
  await writeSafetensors(files.decoder, part('decoder'));
  const one = join(folder, 'one.safetensors');
  const more = [['state_dict.loss.weight', stored.values().next().value!]] as const;
  await writeSafetensors(
    one,
    new Map([...[...stored].map(([key, value]) => [`state_dict.${key}`, value] as const), ...more]),
  );
  const hash = await vaeHash(tensors, tiny);
  expect((await readOriginalVae(files, tiny)).hash).toBe(hash);
  expect((await readOriginalVae(one, tiny, { key: 'state_dict' })).hash).toBe(hash);
  await expect(readOriginalVae(one, tiny)).rejects.toThrow(/expected the original layout.*state_dict/);
  await expect(readOriginalVae(files, tiny, { key: 'state_dict' })).rejects.toThrow(/^key: expected one file/);
});
