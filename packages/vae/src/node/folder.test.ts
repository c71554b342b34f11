import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { paramsToTensorData } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import { afterEach, beforeAll, beforeEach, expect, it as test } from 'vitest';
import { initVae } from '../init';
import { TINY_VAE_PRESETS, tinyVaeConfig } from '../tiny/config';
import { vaeHash } from '../weights/hash';
import { readVae, writeVae } from './folder';

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
