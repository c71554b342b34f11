import { countParams, disposeParams, flattenParams } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { ditConfig } from './config';
import { countDitParams } from './counts';
import { initDit } from './init';
import { dropLabels } from './labels';
import { ditTensorShapes } from './layouts';

beforeAll(useTestBackend);

const config = ditConfig({ inputSize: 8, hiddenSize: 32, depth: 2, heads: 4, classes: 50 });

describe('initDit', () => {
  const leaves = (seed: number) => flattenParams(initDit(createGenerator(seed), config));

  test('has the names and shapes of the layout, in its order, and as many parameters as counted', () => {
    const params = initDit(createGenerator(0), config);
    const shapes = [...flattenParams(params)].map(([name, tensor]) => [name, tensor.shape]);
    expect(shapes).toEqual([...ditTensorShapes(config, 'learngene')]);
    expect(countParams(params)).toBe(countDitParams(config).trainable);
  });

  test('draws the distributions of the paper', () => {
    for (const [name, tensor] of leaves(1)) {
      const data = Array.from(tensor.dataSync());
      const rms = Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);
      const largest = Math.max(...data.map(Math.abs));
      const fans: Record<string, number> = { patch: 16 + 32, 'attn.q': 128, 'attn.k': 128, 'attn.v': 128 };
      Object.assign(fans, { 'attn.o': 64, 'mlp.in': 160, 'mlp.out': 160 });
      const part = name.replace(/^blocks\.\d+\./, '').replace(/\.weight$/, '');
      if (part in fans) {
        const bound = Math.sqrt(6 / fans[part]);
        expect(largest, name).toBeLessThanOrEqual(bound);
        expect(largest, name).toBeGreaterThan(0.95 * bound);
        expect(Math.abs(rms / (bound / Math.sqrt(3)) - 1), name).toBeLessThan(0.1);
      } else if (/^(time\.\w+\.weight|label\.table)$/.test(name)) {
        expect(Math.abs(rms / 0.02 - 1), name).toBeLessThan(0.1);
      } else {
        expect(largest, name).toBe(0); // biases, adaLN, output projection
      }
    }
  });

  test('is decided by the seed', () => {
    const weights = (seed: number) => leaves(seed).get('blocks.1.mlp.out.weight')!.dataSync();
    expect(weights(3)).toEqual(weights(3));
    expect(weights(3)).not.toEqual(weights(4));
  });

  test('checks the config', () => {
    expect(() => initDit(createGenerator(0), { ...config, heads: 5 })).toThrow(
      'hiddenSize: expected a multiple of heads',
    );
  });

  test('leaks nothing', async () => {
    await expectNoLeak(() => disposeParams(initDit(createGenerator(0), config)));
  });
});

describe('dropLabels', () => {
  const labels = Int32Array.from({ length: 20_000 }, (_, i) => i % 7);
  const drop = (probability: number, seed = 5) =>
    dropLabels(labels, { generator: createGenerator(seed), probability, nullLabel: 7 });

  test('drops the given share, and nothing or all at the ends', () => {
    const share = drop(0.1).filter((label) => label === 7).length / labels.length;
    expect(Math.abs(share - 0.1)).toBeLessThan(4 * Math.sqrt((0.1 * 0.9) / labels.length));
    expect(drop(0)).toEqual(labels);
    expect(drop(1).every((label) => label === 7)).toBe(true);
  });

  test('keeps the other labels and its input', () => {
    const before = labels.slice();
    expect(drop(0.5).every((label, n) => label === 7 || label === before[n])).toBe(true);
    expect(labels).toEqual(before);
    expect(drop(0.5)).toEqual(drop(0.5));
  });

  test('rejects what is no probability', () => {
    expect(() => drop(Number.NaN)).toThrow('probability: expected a number in [0, 1], got NaN');
  });
});
