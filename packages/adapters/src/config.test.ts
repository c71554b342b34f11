import { useTestBackend } from '@learngene/testing';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { DIT, METHODS, titleOf } from '../test/tiny';
import { type AdapterConfigInput, adapterConfig, adapterMethods } from './methods';

beforeAll(useTestBackend);

describe('adapterConfig', () => {
  test.each(METHODS.map((method) => [titleOf(method), method] as const))(
    'completes %s and is idempotent',
    (_, input) => {
      const config = adapterConfig(input, DIT);
      expect(config).toMatchObject(input);
      expect(adapterConfig(config, DIT)).toEqual(config);
      expect(JSON.parse(JSON.stringify(config))).toEqual(config);
    },
  );

  test('has defaults for every method but Auto-LG, whose blocks are learned', () => {
    const names = Object.keys(adapterMethods).filter((name) => name !== 'auto-lg');
    const configs = names.map((method) => adapterConfig({ method } as AdapterConfigInput, DIT));
    expect(configs).toEqual([
      { method: 'full' },
      { method: 'low-rank', keep: 5, rank: 8 },
      { method: 'svd-cut', keep: 5, rank: 8 },
      { method: 'lora', rank: 8, alpha: 8, rsLora: false },
      { method: 'dora', rank: 8, alpha: 8, rsLora: false },
      { method: 'pissa', rank: 8, alpha: 8, init: 'exact' },
      { method: 'svdiff', scale: 1 },
      { method: 'oft', blockSize: 16, cayley: 5 },
      { method: 'loha', rank: 8, alpha: 8 },
      { method: 'bitfit', biases: 'all' },
      { method: 'heur-lg', blocks: [1], depth: 2, places: [1], frame: 'fresh', train: 'all' },
      { method: 'fine', rank: 16, sweeps: 10 },
    ]);
    expect(() => adapterConfig({ method: 'auto-lg' }, DIT)).toThrow(
      'blocks: expected the blocks that chooseLearngeneBlocks',
    );
  });

  test.each([
    [{ method: 'vera' }, 'method: expected one of full, low-rank'],
    [{ method: '__proto__' }, 'method: expected one of full'],
    [{ method: 'lora', rank: 0 }, 'rank: expected an integer from 1 to 16, got 0'],
    [{ method: 'lora', rank: 17 }, 'rank: expected an integer from 1 to 16, got 17'],
    [{ method: 'lora', alpha: -1 }, 'alpha: expected a positive number, got -1'],
    [{ method: 'lora', rsLora: 1 }, 'rsLora: expected true or false, got 1'],
    [{ method: 'lora', r: 4 }, 'lora: expected only method, rank, alpha, rsLora, got "r"'],
    [{ method: 'pissa', init: 'fast' }, 'init: expected \'exact\' or { iterations, seed }, got "fast"'],
    [
      { method: 'pissa', init: { iterations: 0, seed: 1 } },
      'init.iterations: expected an integer from 1 to 100, got 0',
    ],
    [{ method: 'pissa', init: { iterations: 4, seed: -1 } }, 'init.seed: expected an integer of at least 0, got -1'],
    [{ method: 'oft', blockSize: 3 }, 'blockSize: expected one of 2, 4, 8, 16, divisors of all widths, got 3'],
    [{ method: 'oft', cayley: 1 }, "cayley: expected 'exact' or at least 2 terms, got 1"],
    [{ method: 'oft', cayley: 'series' }, 'cayley: expected an integer from 1 to 64, got "series"'],
    [{ method: 'loha', rank: 1.5 }, 'rank: expected an integer from 1 to 16, got 1.5'],
    [{ method: 'svdiff', scale: Number.NaN }, 'scale: expected a positive number, got NaN'],
    [{ method: 'bitfit', biases: 'some' }, 'biases: expected "all" or "main", got "some"'],
    [{ method: 'low-rank', keep: 99 }, 'keep: expected an integer from 1 to 16, got 99'],
    [{ method: 'svd-cut', rank: [3] }, 'rank: expected an integer from 1 to 16, got an array of 1'],
    [{ method: 'fine', sweeps: -1 }, 'sweeps: expected an integer from 0 to 10000, got -1'],
    [{ method: 'heur-lg', blocks: [1, 0] }, 'blocks: expected ascending integers in [0, 2), got 0 at 1'],
    [{ method: 'heur-lg', blocks: {} }, 'blocks: expected an array, got an object'],
    [{ method: 'heur-lg', blocks: [0, 1], depth: 1 }, 'places: expected ascending integers in [0, 1), got -1 at 0'],
    [{ method: 'heur-lg', blocks: [0], places: [0, 1] }, 'places: expected 1 places, one a block, got 2'],
    [{ method: 'heur-lg', depth: 1e9 }, 'depth: expected an integer from 1 to 1024, got 1000000000'],
    [{ method: 'heur-lg', frame: 'old' }, 'frame: expected "fresh" or "inherit", got "old"'],
  ])('%j', (input, message) => {
    expect(() => adapterConfig(input as AdapterConfigInput, DIT)).toThrow(message);
  });
});
