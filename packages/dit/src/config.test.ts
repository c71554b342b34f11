import { describe, expect, it as test } from 'vitest';
import { type DitConfig, ditConfig, ditVariant } from './config';
import { blockLinearNames, linearShape } from './linears';
import { DIT_PRESETS } from './presets';
import { gridSize, nullLabel, outChannels, tokenCount } from './sizes';

describe('ditConfig', () => {
  test('knows the twelve presets', () => {
    expect(Object.keys(DIT_PRESETS)).toHaveLength(12);
    expect(ditConfig('DiT-B/4')).toEqual({
      inputSize: 32,
      patchSize: 4,
      inChannels: 4,
      hiddenSize: 768,
      depth: 12,
      heads: 12,
      mlpRatio: 4,
      classes: 1000,
      labelDropout: 0.1,
      learnSigma: true,
      frequencyShift: 0,
      mlpNormEps: 1e-6,
    });
  });

  test('takes free sizes, overrides and variants', () => {
    const config = ditConfig({ inputSize: 28, patchSize: 4, inChannels: 1 }, { ...ditVariant('diffusers'), depth: 3 });
    expect(config).toMatchObject({ inputSize: 28, inChannels: 1, depth: 3, frequencyShift: 1, mlpNormEps: 1e-5 });
  });

  test('does not let an undefined field hide a default', () => {
    expect(ditConfig('DiT-S/2', { depth: undefined }).depth).toBe(12);
  });

  const broken: [Partial<DitConfig>, string][] = [
    [{ inputSize: 30, patchSize: 4 }, 'inputSize: expected a multiple of patchSize 4, got 30'],
    [{ hiddenSize: 100, heads: 3 }, 'hiddenSize: expected a multiple of heads 3, got 100'],
    [{ hiddenSize: 6, heads: 3 }, 'hiddenSize: expected a multiple of 4'],
    [{ depth: 2147483647 }, 'depth: expected at most 4096, got 2147483647'],
    [{ classes: 2 ** 40 }, 'classes: expected at most 65536, got 1099511627776'],
    [{ inputSize: 2 ** 16, patchSize: 1 }, 'inputSize: expected 1048576 patches or fewer of patchSize 1, got 65536'],
    [
      { hiddenSize: 2 ** 14, heads: 1, depth: 4096 },
      'config: expected at most 34359738368 parameters, got 19793046896672 (inputSize 32, hiddenSize 16384',
    ],
    [{ mlpRatio: Number.POSITIVE_INFINITY }, 'mlpRatio: expected at most 65536, got Infinity'],
    [JSON.parse('{"mlpRatio": "4"}'), 'mlpRatio: expected a number, got 4'],
    [JSON.parse('{"labelDropout": null}'), 'labelDropout: expected a number, got null'],
    [{ depth: 0 }, 'depth: expected a positive integer, got 0'],
    [{ classes: 2.5 }, 'classes: expected a positive integer, got 2.5'],
    [{ mlpRatio: -1 }, 'mlpRatio: expected a positive number, got -1'],
    [{ labelDropout: 1.5 }, 'labelDropout: expected a probability in [0, 1], got 1.5'],
    [{ mlpNormEps: 0 }, 'mlpNormEps: expected a number in (0, 1), got 0'],
    [JSON.parse('{"frequencyShift": 2}'), 'frequencyShift: expected 0 or 1, got 2'],
    [JSON.parse('{"learnSigma": "yes"}'), 'learnSigma: expected true or false, got yes'],
    [JSON.parse('{"patchsize": 2}'), "got 'patchsize'"],
  ];
  test.each(broken)('rejects %o', (fields, message) => {
    expect(() => ditConfig(fields)).toThrow(message);
  });

  const numbers = Object.entries(ditConfig({})).filter(([, value]) => typeof value === 'number');
  test.each(numbers.map(([name]) => name))('rejects NaN, infinity, a negative and a huge %s by its name', (name) => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -1, 2147483647, 1e300]) {
      expect(() => ditConfig({ [name]: value })).toThrow(new RegExp(`^${name}: expected .* got`));
    }
  });

  test('rejects unknown preset and variant names', () => {
    expect(() => ditConfig(JSON.parse('"DiT-M/2"'))).toThrow("got 'DiT-M/2'");
    expect(() => ditVariant(JSON.parse('"timm"'))).toThrow('got "timm"');
  });
});

describe('linear layers of the blocks', () => {
  const config = ditConfig({ hiddenSize: 16, heads: 4, depth: 2 });

  test('are named block by block', () => {
    const names = blockLinearNames(config);
    expect(names).toHaveLength(12);
    expect(names.slice(4, 8)).toEqual(['blocks.0.mlp.in', 'blocks.0.mlp.out', 'blocks.1.attn.q', 'blocks.1.attn.k']);
  });

  test('have shapes', () => {
    expect(linearShape(config, 'blocks.1.attn.o')).toEqual({ in: 16, out: 16 });
    expect(linearShape(config, 'blocks.0.mlp.in')).toEqual({ in: 16, out: 64 });
    expect(linearShape(config, 'blocks.0.mlp.out')).toEqual({ in: 64, out: 16 });
  });

  test.each(['blocks.2.attn.q', 'blocks.0.adaln', 'blocks.00.attn.q'])('do not include %s', (name) => {
    expect(() => linearShape(config, name)).toThrow(`got '${name}'`);
  });
});

test('sizes follow from the config', () => {
  const config = ditConfig('DiT-B/4');
  expect([gridSize(config), tokenCount(config), outChannels(config), nullLabel(config)]).toEqual([8, 64, 8, 1000]);
});
