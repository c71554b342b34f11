import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { paramsToTensorData } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import type { TensorData } from '@learngene/tensor-io';
import { writeSafetensors } from '@learngene/tensor-io/node';
import { useTestBackend } from '@learngene/testing';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, describe, expect, test } from 'vitest';
import { realFolder } from '../../test/real-data';
import { initVae } from '../init';
import { TINY_VAE_PRESETS, tinyVaeConfig } from '../tiny/config';
import { vaeToLayout } from '../weights/checkpoint';
import { vaeHash } from '../weights/hash';
import { readVae } from './folder';
import { tinyVaePair } from './tiny-pair';

const folder = temporaryFolder('tiny-pair');
const real = realFolder('taef2');
const PRESETS = ['taesd', 'taesd3', 'taef2'] as const;
const hashes = new Map<string, string>();

beforeAll(async () => {
  await useTestBackend();
  for (const [seed, name] of PRESETS.entries()) {
    const config = TINY_VAE_PRESETS[name];
    const tensors = await paramsToTensorData(initVae(createGenerator(seed), config));
    hashes.set(name, await vaeHash(tensors, config));
    await writePair(join(folder, name), `${name}_`, vaeToLayout(tensors, config, 'original'));
  }
}, 120_000);

/** Writes the encoder and the decoder of a checkpoint as TAESD's authors publish them. */
async function writePair(path: string, start: string, tensors: ReadonlyMap<string, TensorData>): Promise<void> {
  mkdirSync(path, { recursive: true });
  for (const part of ['encoder', 'decoder']) {
    const own = [...tensors].filter(([key]) => key.startsWith(`${part}.`));
    const named = new Map(own.map(([key, tensor]) => [key.slice(part.length + 1), tensor]));
    await writeSafetensors(join(path, `${start}${part}.safetensors`), named);
  }
}

describe('the two files of a tiny autoencoder', () => {
  test.each(PRESETS)('%s is read by its folder and by either file; its shapes tell the configuration', async (name) => {
    const path = join(folder, name);
    for (const place of [path, join(path, `${name}_encoder.safetensors`), join(path, `${name}_decoder.safetensors`)]) {
      const { config, hash } = await readVae(place);
      expect([config, hash]).toEqual([TINY_VAE_PRESETS[name], hashes.get(name)]);
      expect((await tinyVaePair(place))?.name).toBe(name);
    }
  });

  test('without a name before, beside other files', async () => {
    const path = join(folder, 'bare');
    mkdirSync(path);
    writeFileSync(join(path, 'README.md'), 'weights');
    for (const part of ['encoder', 'decoder']) {
      copyFileSync(join(folder, 'taesd', `taesd_${part}.safetensors`), join(path, `${part}.safetensors`));
    }
    expect((await readVae(path)).hash).toBe(hashes.get('taesd'));
    expect((await tinyVaePair(path))?.name).toBe('');
    writeFileSync(join(path, 'config.json'), '{}');
    expect(await tinyVaePair(path)).toBeUndefined();
  });

  test('is refused by name: one alone, several pairs, parts of two, and tensors of none', async () => {
    const path = join(folder, 'mixed');
    mkdirSync(path);
    const at = (file: string) => join(path, file);
    copyFileSync(join(folder, 'taesd', 'taesd_encoder.safetensors'), at('a_encoder.safetensors'));
    await expect(readVae(path)).rejects.toThrow(`${path}: expected a_decoder.safetensors beside it, got none`);
    copyFileSync(join(folder, 'taef2', 'taef2_decoder.safetensors'), at('a_decoder.safetensors'));
    await expect(readVae(path)).rejects.toThrow(
      `${path}: expected the weights of taesd, taesd3, taef2 (encoder and decoder of one), got tensors of other names`,
    );
    copyFileSync(at('a_encoder.safetensors'), at('b_encoder.safetensors'));
    await expect(readVae(path)).rejects.toThrow(
      `${path}: expected one pair of an encoder and a decoder, got a_*.safetensors, b_*.safetensors; give a file of one`,
    );
    rmSync(path, { recursive: true });
    expect(await tinyVaePair(path)).toBeUndefined();
  });

  test('a configuration with a field of its own is none of them', async () => {
    const config = tinyVaeConfig('taesd', { encoderBlocks: [1, 1, 1, 1] });
    const tensors = await paramsToTensorData(initVae(createGenerator(0), config));
    await writePair(join(folder, 'other'), 'x-', vaeToLayout(tensors, config, 'original'));
    await expect(readVae(join(folder, 'other'))).rejects.toThrow('other: expected the weights of taesd');
  });
});

test.skipIf(real === undefined)('real data: TAESD for FLUX.2 as it is published', async () => {
  const path = real as string;
  const { config, hash } = await readVae(path);
  expect(config).toEqual(TINY_VAE_PRESETS.taef2);
  expect((await readVae(join(path, 'taef2_decoder.pth'))).hash).toBe(hash);
  expect((await tinyVaePair(path))?.name).toBe('taef2');
});
