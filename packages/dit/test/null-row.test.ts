import type { NamedTensors, TensorData } from '@learngene/tensor-io';
import { describe, expect, it as test } from 'vitest';
import {
  ditFromDiffusers,
  ditFromFacebook,
  ditLayout,
  ditPrefixes,
  ditToDiffusers,
  ditToFacebook,
  inferDitConfig,
  withoutPrefix,
} from '../src/index';
import { bits, configOf, readTensors, under } from './fixtures';

const config = configOf('latent'); // 5 classes and the null label's row
const state = under('state', readTensors('latent.safetensors'));
const KEY = 'y_embedder.embedding_table.weight';
const table = state.get(KEY)!;
const D = table.shape[1];

/** The checkpoint of a model trained without label dropout: no row for the null label. */
const without = new Map([
  ...state,
  [KEY, { dtype: 'F32', shape: [5, D], data: table.data.slice(0, 5 * D) } as TensorData],
]);

/** The bits of tensors by name, in whatever order. */
const byName = (tensors: NamedTensors) => new Map(bits(tensors).map((row) => [row[0], row]));

describe('a label table of facebookresearch/DiT', () => {
  test('of 5 rows is not taken for 4 classes and a null row: the number of classes must be told', () => {
    expect(() => inferDitConfig(without, { heads: config.heads })).toThrow(
      "classes: expected it to be given, a label table of 5 rows is 4 classes and the null label's row, or, " +
        'of a model trained without label dropout, 5 classes',
    );
    // 0 is also what a model of ours may have that was trained without dropout and still has the row.
    expect(() => inferDitConfig(without, { heads: config.heads, labelDropout: 0 })).toThrow('classes: expected');
    expect(inferDitConfig(without, { heads: config.heads, labelDropout: 0.1 }).classes).toBe(4);
    expect(inferDitConfig(without, { heads: config.heads, classes: 4 }).classes).toBe(4);
    expect(inferDitConfig(without, { heads: config.heads, classes: 5 }).classes).toBe(5);
    expect(() => inferDitConfig(without, { heads: config.heads, classes: 6 })).toThrow(
      'classes: expected 4, as the label table of 5 rows says, got 6',
    );
  });

  test('without a null row is refused with what to choose, and read with the mean of its rows', () => {
    expect(() => ditFromFacebook(without, config)).toThrow(
      `${KEY}: expected 6 rows, got 5, without the null label's: nullRow: 'mean' reads it`,
    );
    const read = ditFromFacebook(without, config, { nullRow: 'mean' }).get('label.table')!;
    expect(read.shape).toEqual([6, D]);
    expect(read.data.slice(0, 5 * D)).toEqual(table.data.slice(0, 5 * D));
    for (let d = 0; d < D; d++) {
      const column = Array.from({ length: 5 }, (_, row) => Number(table.data[row * D + d]));
      expect(read.data[5 * D + d]).toBeCloseTo(column.reduce((a, b) => a + b, 0) / 5, 6);
    }
  });

  test('is written with and without a null row, for any number of classes, and comes back bit for bit', () => {
    expect(
      byName(ditToFacebook(ditFromFacebook(without, config, { nullRow: 'mean' }), config, { nullRow: 'none' })),
    ).toEqual(byName(without));
    for (const classes of [1, 2, 7]) {
      const other = { ...config, classes };
      const rows = new Float32Array((classes + 1) * D).map((_, i) => Math.sin(i));
      const resized = new Map([...state, [KEY, { dtype: 'F32', shape: [classes + 1, D], data: rows } as TensorData]]);
      const own = ditFromFacebook(resized, other);
      expect(byName(ditToFacebook(own, other))).toEqual(byName(resized));
      const cut = ditToFacebook(own, other, { nullRow: 'none' });
      expect(cut.get(KEY)).toMatchObject({ shape: [classes, D], data: rows.slice(0, classes * D) });
      const again = ditFromFacebook(cut, other, { nullRow: 'mean' });
      expect(byName(ditToFacebook(again, other, { nullRow: 'none' }))).toEqual(byName(cut));
    }
    const own = ditFromFacebook(state, config);
    expect(() => ditToFacebook(own, config, { nullRow: 'mean' as 'none' })).toThrow(
      "nullRow: expected 'file' or 'none'",
    );
  });

  test('with a null row keeps it, and is no table for the mean', () => {
    expect(ditFromFacebook(state, config).get('label.table')!.data).toEqual(table.data);
    expect(() => ditFromFacebook(state, config, { nullRow: 'mean' })).toThrow(
      `${KEY}: expected 5 rows with nullRow 'mean', got 6`,
    );
    expect(() => ditFromFacebook(state, config, { nullRow: 'zero' as 'mean' })).toThrow(
      "nullRow: expected 'file' or 'mean'",
    );
    expect(() => ditFromFacebook(without, { ...config, classes: 3 })).toThrow(
      `${KEY}: expected [4, ${D}], got [5, ${D}]`,
    );
  });
});

describe('a label table of diffusers', () => {
  const key = 'transformer_blocks.0.norm1.emb.class_embedder.embedding_table.weight';
  const theirs = ditToDiffusers(ditFromFacebook(state, config), config);

  test('always has the null row', () => {
    expect(inferDitConfig(theirs, { ...{ heads: 3, inputSize: 8 }, frequencyShift: 0, mlpNormEps: 1e-6 })).toEqual(
      config,
    );
    expect(() => inferDitConfig(theirs, { heads: config.heads, classes: 6 })).toThrow('classes: expected 5');
    const short = new Map(theirs).set(key, without.get(KEY)!);
    expect(() => ditFromDiffusers(short, config)).toThrow(`${key}: expected [6, ${D}], got [5, ${D}]`);
  });
});

describe('prefixes', () => {
  const prefixed = (prefix: string) => [...state].map(([key, tensor]) => [prefix + key, tensor] as const);

  test.each(['module.', '_orig_mod.', 'model.', 'ema.', 'module._orig_mod.', 'state.net.'])('%s is named', (prefix) => {
    const tensors = new Map(prefixed(prefix));
    expect(ditPrefixes(tensors)).toEqual([prefix]);
    expect(() => ditLayout(tensors)).toThrow(
      `the keys begin with '${prefix}': take it off by withoutPrefix(tensors, '${prefix}')`,
    );
    expect(() => inferDitConfig(tensors, { heads: 3 })).toThrow(`begin with '${prefix}'`);
    expect(() => ditFromFacebook(tensors, config)).toThrow(`begin with '${prefix}'`);
    expect(bits(ditFromFacebook(withoutPrefix(tensors, prefix), config))).toEqual(bits(ditFromFacebook(state, config)));
  });

  test('of a file with weights and their average are a choice', () => {
    const both = new Map([...prefixed('model.'), ...prefixed('ema.')]);
    expect(ditPrefixes(both)).toEqual(['ema.', 'model.']);
    expect(() => ditLayout(both)).toThrow("and choose between 'ema.' and 'model.'");
    expect(withoutPrefix(both, 'ema.').size).toBe(state.size);
  });

  test('a plain state dict has none, something else no DiT', () => {
    expect(ditPrefixes(state)).toEqual(['']);
    expect(ditPrefixes(new Map([['x', table]]))).toEqual([]);
    expect(() => withoutPrefix(new Map([['x', table]]), 'ema.')).toThrow('which this is not');
    expect(() => withoutPrefix(new Map(prefixed('ema.')), 'model.')).toThrow(
      "prefix: expected one of 'ema.', got 'model.'",
    );
  });
});
