import os from 'node:os';
import { ConfigError } from '@learngene/pipeline';
import { KL_VAE_PRESETS, klVaeConfig, TINY_VAE_PRESETS, tinyVaeConfig } from '@learngene/vae';
import { afterEach, expect, test, vi } from 'vitest';
import { checkVaeMemory } from './check-vae-memory';

afterEach(() => void vi.restoreAllMocks());

function machineOf(bytes: number): void {
  vi.spyOn(os, 'totalmem').mockReturnValue(bytes);
  vi.spyOn(process, 'constrainedMemory').mockReturnValue(0);
}

test('every preset is taken', () => {
  machineOf(4 * 2 ** 30);
  for (const model of [...Object.values(TINY_VAE_PRESETS), ...Object.values(KL_VAE_PRESETS)]) {
    expect(() => checkVaeMemory(model)).not.toThrow();
  }
});

const wide = [16384, 16384, 16384];
const three = {
  encoderBlocks: [1, 1, 1],
  decoderBlocks: [1, 1, 1],
  encoderWidths: [8, 8, 8],
  decoderWidths: [8, 8, 8],
};
test.each([
  ['model.encoderWidths', tinyVaeConfig('shuffle', { ...three, encoderWidths: wide })],
  ['model.decoderWidths', tinyVaeConfig('taesd', { ...three, decoderWidths: wide })],
  ['model.widths', klVaeConfig('sd1', { widths: wide })],
])('%s beyond the memory, and a weight that cannot be drawn, are refused by name', (name, model) => {
  machineOf(16 * 2 ** 30);
  expect(() => checkVaeMemory(model)).toThrow(ConfigError);
  expect(() => checkVaeMemory(model)).toThrow(
    new RegExp(`^${name}: [\\d,]+ parameters with .* need [\\d,.]+ GiB of memory, this machine has 16\\.0 GiB$`),
  );
  machineOf(2 ** 50);
  expect(() => checkVaeMemory(model)).toThrow(
    `${name}: expected at most 2,147,483,647 numbers in a weight, got 2,415,919,104`,
  );
});

test('the limit is five float32 a parameter', () => {
  const model = tinyVaeConfig('shuffle');
  const bytes = (() => {
    machineOf(1);
    try {
      checkVaeMemory(model);
    } catch (error) {
      const params = /: ([\d,]+) parameters/.exec((error as Error).message)?.[1] ?? '';
      return Number(params.replaceAll(',', '')) * 20;
    }
    return 0;
  })();
  expect(bytes / 20).toBeGreaterThan(1e6); // 1.64 million parameters
  machineOf(bytes);
  expect(() => checkVaeMemory(model)).not.toThrow();
  machineOf(bytes - 1);
  expect(() => checkVaeMemory(model)).toThrow('model.decoderWidths: 1,644,428 parameters');
});
