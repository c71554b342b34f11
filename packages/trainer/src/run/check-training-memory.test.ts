import os from 'node:os';
import { DIT_PRESETS, type DitConfig, ditConfig } from '@learngene/dit';
import { kindConfig } from '@learngene/kind';
import { ConfigError, parseConfig } from '@learngene/pipeline';
import { RUN_FORMAT, type RunRecord } from '@learngene/pipeline/node';
import { afterEach, expect, test, vi } from 'vitest';
import { checkTrainingMemory } from './check-training-memory';

afterEach(() => void vi.restoreAllMocks());

function machineOf(bytes: number): void {
  vi.spyOn(os, 'totalmem').mockReturnValue(bytes);
  vi.spyOn(process, 'constrainedMemory').mockReturnValue(0);
}

function recordOf(more: { dit?: Partial<DitConfig>; batchSize?: number; kind?: 'kind' | 'dense' } = {}): RunRecord {
  const { dit: sizes, batchSize = 32, kind = 'kind' } = more;
  const dit = ditConfig({ ...DIT_PRESETS['DiT-S/4'], mlpRatio: 4, inputSize: 32, inChannels: 3, classes: 2, ...sizes });
  const groups = ['a', 'b'].map((name, id) => ({ name, classes: [id], classNames: [name] }));
  const training = { batchSize };
  const common = {
    format: RUN_FORMAT,
    command: 'train',
    config: parseConfig({ training }, 'test'),
    engine: 'cpu',
    versions: {},
  } as const;
  if (kind === 'dense') return { ...common, kind, model: { dit, classNames: ['a', 'b'] } };
  return { ...common, kind, model: kindConfig({ dit, learngeneRank: 48, tailorRank: 16, groups }) };
}

test('usual models are taken, and presets on a small machine', () => {
  machineOf(8 * 2 ** 30);
  for (const preset of ['DiT-S/4', 'DiT-B/2'] as const) {
    for (const kind of ['kind', 'dense'] as const) {
      const dit = { ...DIT_PRESETS[preset], mlpRatio: 4 };
      expect(() => checkTrainingMemory(recordOf({ dit, kind, batchSize: 1024 }))).not.toThrow();
    }
  }
});

test.each(['kind', 'dense'] as const)('a %s model beyond the memory is refused by name, with both sizes', (kind) => {
  machineOf(2 ** 30);
  const sizes = { hiddenSize: 2048, depth: 24, heads: 16 };
  expect(() => checkTrainingMemory(recordOf({ dit: sizes, kind }))).toThrow(ConfigError);
  expect(() => checkTrainingMemory(recordOf({ dit: sizes, kind }))).toThrow(
    /^model: [\d,]+ parameters with their averages, .* need [\d,.]+ GiB of memory, this machine has 1\.0 GiB$/,
  );
});

test('the limit is five float32 a parameter, and that of a container counts', () => {
  const record = recordOf({ kind: 'dense', batchSize: 1 });
  machineOf(2 ** 40);
  const need = () => {
    let [low, high] = [1, 2 ** 40];
    while (low < high) {
      const limit = Math.floor((low + high) / 2);
      vi.spyOn(process, 'constrainedMemory').mockReturnValue(limit);
      try {
        checkTrainingMemory(record);
        high = limit;
      } catch {
        low = limit + 1;
      }
    }
    return low;
  };
  const bytes = need();
  vi.spyOn(process, 'constrainedMemory').mockReturnValue(2 ** 20);
  const message = /^model: ([\d,]+) parameters/;
  let text = '';
  try {
    checkTrainingMemory(record);
  } catch (error) {
    text = (error as Error).message;
  }
  expect(bytes).toBe(20 * Number(message.exec(text)?.[1].replaceAll(',', '')));
});

test('a batch whose images alone are larger than the memory is refused by name', () => {
  machineOf(16 * 2 ** 30);
  expect(() => checkTrainingMemory(recordOf({ batchSize: 1e9 }))).toThrow(
    /^training\.batchSize: the images of a batch of 1,000,000,000 need 11,444\.1 GiB of memory, this machine has 16\.0 GiB$/,
  );
  expect(() => checkTrainingMemory(recordOf({ batchSize: 100_000 }))).not.toThrow();
});
