import { readdirSync } from 'node:fs';
import { blockLinearNames, type DitParams, initDit } from '@learngene/dit';
import { type ParamTree, paramsFromTensorData, sharedGroup } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { fixture, DIT as ONE_BLOCK, peftFiles, tensor } from '../../test/peft';
import { adaptedLinear } from '../apply';
import { attachAdapters } from '../attach';
import { overlay, subTree } from '../core/trees';
import { countAdapted } from '../count';
import { mergeAdapters } from '../merge';
import { type AdaptedModel, disposeAdapted } from '../model';
import { decodeAdapter } from './decode';
import { encodeAdapter } from './encode';
import { withDecodedAdapters } from './load';
import { FILES } from './names';

beforeAll(useTestBackend);

const DIT = { ...ONE_BLOCK, depth: 2 };
const NAMES = blockLinearNames(DIT);
const jsonOf = (files: ReadonlyMap<string, Uint8Array>) =>
  JSON.parse(new TextDecoder().decode(files.get(FILES.config))) as Record<string, unknown>;

/** The folders of `parts/` that change the base model or train more than adapters, and what refuses them. */
const REFUSED: [string, string][] = [
  ['olora', 'init_lora_weights: expected true, false, null, "gaussian", "eva", "orthogonal" or "pissa" alone (others'],
  ['pissa-niter', 'got "pissa_niter_4"'],
  ['bias', 'bias: expected "none", got "lora_only"'],
];
const READ = readdirSync(new URL('../../fixtures/parts', import.meta.url)).filter(
  (folder) => !folder.includes('.') && !REFUSED.some(([refused]) => refused === folder),
);

function loaded(folder: string): AdaptedModel {
  const decoded = decodeAdapter(peftFiles(`parts/${folder}`), DIT);
  const blocks = new Map([...fixture('parts/base')].filter(([key]) => key.startsWith('blocks.')));
  const fresh = initDit(createGenerator(0), DIT) as DitParams & ParamTree;
  const base = overlay(fresh, paramsFromTensorData(blocks)) as DitParams;
  const options = { dit: DIT, adapter: decoded.adapter, groups: sharedGroup(2), generator: createGenerator(4) };
  return withDecodedAdapters(attachAdapters(base, options), { all: decoded });
}

describe.each(READ)('parts/%s of PEFT', (folder) => {
  test('has the outputs of PEFT in every layer, those without adapter too', () => {
    tf.tidy(() => {
      const model = loaded(folder);
      const [data, wanted] = [fixture('parts/base'), fixture(`parts/${folder}/reference`)];
      const linear = adaptedLinear(model, [{ start: 0, end: 3, group: 'all' }]);
      const merged = mergeAdapters(model).params;
      for (const name of NAMES) {
        const x = tensor(data.get(`x.${name}`)) as tf.Tensor3D;
        const y = tensor(wanted.get(`y.${name}`));
        // PEFT takes PiSSA's SVD in float32.
        const tolerance = folder === 'pissa' ? 2e-6 : 1e-6;
        expect(relativeError(linear({}, x, name, undefined), y)).toBeLessThan(tolerance);
        const { weight, bias } = subTree<Record<string, tf.Tensor2D>>(merged as ParamTree, name)!;
        const flat = tf.reshape(x, [-1, x.shape[2]]) as tf.Tensor2D;
        const plain = tf.add(tf.matMul(flat, weight, false, true), bias);
        expect(relativeError(tf.reshape(plain, y.shape), y)).toBeLessThan(tolerance);
      }
    });
  });

  test('comes back from our own files, whose config PEFT reads the same', async () => {
    const model = loaded(folder);
    const files = await encodeAdapter(model);
    expect(decodeAdapter(files, DIT).adapter).toEqual(model.config.adapter);
    const peftAlone = new Map([...files].filter(([file]) => file === FILES.config || file === FILES.tensors));
    const again = decodeAdapter(peftAlone, DIT);
    expect(again.adapter).toEqual(model.config.adapter);
    expect([...again.layers.keys()].sort()).toEqual([...decodeAdapter(files, DIT).layers.keys()].sort());
    const stored = [...again.layers.values()].reduce((sum, { data }) => sum + data.length, 0);
    expect(countAdapted(model.config).adapter).toBe(stored);
    disposeAdapted(model);
  });
});

describe('refused', () => {
  test.each(REFUSED)('parts/%s', (folder, message) => {
    expect(() => decodeAdapter(peftFiles(`parts/${folder}`), DIT)).toThrow(message);
  });

  const changed = (folder: string, changes: object) => {
    const files = new Map(peftFiles(`parts/${folder}`));
    const content = JSON.stringify({ ...jsonOf(files), ...changes });
    return files.set(FILES.config, new TextEncoder().encode(content));
  };
  test.each<[string, object, string]>([
    ...['olora', 'OLoRA', 'corda', 'lora_ga', 'loftq', 'mica', 'something-new', 'pissa_niter_16'].map(
      (word): [string, object, string] => ['patterns', { init_lora_weights: word }, `got "${word}"`],
    ),
    ['patterns', { init_lora_weights: 3 }, 'init_lora_weights: expected true'],
    ...[0, -1, null, '8'].map((alpha): [string, object, string] => [
      'patterns',
      { lora_alpha: alpha },
      `adapter_config.json: lora_alpha: expected a positive number, got ${JSON.stringify(alpha)}`,
    ]),
    ['loha', { alpha: null }, 'adapter_config.json: alpha: expected a positive number, got null'],
    ['patterns', { r: '2' }, 'adapter_config.json: r: expected an integer from 1 to 8, got "2"'],
    ['patterns', { r: null }, 'adapter_config.json: r: expected a positive integer, got null'],
    ['pissa', { use_rslora: true }, 'use_rslora: expected false with init_lora_weights "pissa", got true'],
    ['pissa', { use_dora: true }, 'use_dora: expected false with init_lora_weights "pissa", got true'],
    ['patterns', { use_new_thing: false }, '"use_new_thing": expected no such field of LORA'],
    ['patterns', { alpha: 4 }, '"alpha": expected no such field of LORA'],
    ['loha', { lora_alpha: 4 }, '"lora_alpha": expected no such field of LOHA'],
    ['patterns', { modules_to_save: ['out'] }, 'modules_to_save: expected null, got an array of 1'],
    ['patterns', { lora_bias: true }, 'lora_bias: expected false, got true'],
    ['patterns', { layer_replication: [[0, 1]] }, 'layer_replication: expected null'],
    ['patterns', { kasa_config: { beta: 1 } }, 'kasa_config: expected null'],
    ['patterns', { use_qalora: true }, 'use_qalora: expected false'],
    ['patterns', { target_parameters: ['x'] }, 'target_parameters: expected null'],
    ['patterns', { rank_pattern: { q: '4' } }, 'rank_pattern.q: expected a number, got "4"'],
    ['patterns', { rank_pattern: { '(': 4 } }, 'rank_pattern: "(" is no pattern that is read here'],
    ['patterns', { rank_pattern: [4] }, 'rank_pattern: expected an object of numbers by name'],
    ['patterns', { rank_pattern: { q: 100 } }, 'layers.blocks.0.attn.q.rank: expected an integer from 1 to 8, got 100'],
    ['patterns', { alpha_pattern: { q: -1 } }, 'layers.blocks.0.attn.q.alpha: expected a positive number, got -1'],
    ['patterns', { target_modules: 'blocks\\.7.*' }, 'target_modules: matches no main layer of this model'],
    ['patterns', { target_modules: 5 }, 'target_modules: expected a list of names or a pattern, got 5'],
    ['patterns', { target_modules: '(?P<' }, 'target_modules: "(?P<" is no pattern that is read here'],
    ['patterns', { target_modules: 'a'.repeat(1001) }, 'target_modules: expected patterns of at most 1000'],
    ['patterns', { layers_to_transform: [1] }, 'layers_to_transform: expected none with target_modules as a pattern'],
    ['numbered', { layers_to_transform: ['1'] }, 'layers_to_transform: expected a number or a list of numbers'],
    ['numbered', { layers_to_transform: null }, 'layers_pattern: expected none without layers_to_transform'],
    ['numbered', { layers_pattern: null }, 'target_modules: matches no main layer'],
    ['oft-r', { oft_block_size: 4 }, 'r: expected 0 or oft_block_size 0, not both or neither (4), got 2'],
    ['oft-r', { r: 0 }, 'r: expected 0 or oft_block_size 0, not both or neither (0), got 0'],
    ['oft-r', { r: 8 }, 'r: expected blocks of at least 2 at blocks.0.attn.q, got 8'],
    ['oft-r', { oft_block_size: undefined }, 'oft_block_size: expected a number (adapters of PEFT before 0.14'],
    [
      'oft-r',
      { peft_version: undefined },
      'peft_version: expected at least 0.18 with use_cayley_neumann, got undefined',
    ],
    ['oft-r', { peft_version: '0.17.1' }, 'peft_version: expected at least 0.18'],
    ['oft-r', { coft: true }, 'coft: expected false, got true'],
    ['oft-r', { block_share: true }, 'block_share: expected false, got true'],
  ])('%s with %j', (folder, changes, message) => {
    expect(() => decodeAdapter(changed(folder, changes), DIT)).toThrow(message);
  });

  test("names the NaN that Python's json writes", () => {
    const files = new Map(peftFiles('parts/patterns'));
    const text = JSON.stringify(jsonOf(files)).replace(/"lora_alpha":\d+/, '"lora_alpha": NaN');
    files.set(FILES.config, new TextEncoder().encode(text));
    expect(() => decodeAdapter(files, DIT)).toThrow(
      'adapter_config.json: is no JSON: it holds NaN, which Python writes',
    );
  });

  test.each<[string, object, RegExp]>([
    // Layers that the config names and the file lacks, and the other way round: both ways are errors with the key.
    [
      'fewer layers than the file has',
      { target_modules: ['q'] },
      /"base_model\.model\.blocks\.[01]\.\S+": not a tensor of/,
    ],
    [
      'more layers than the file has',
      { target_modules: ['q', 'v', 'in', 'k'] },
      /blocks\.0\.attn\.k\.lora_A\.weight: missing/,
    ],
    ['another rank', { r: 3 }, /expected \[3, 8\], got \[2, 8\]/],
  ])('a config with %s', (_, changes, message) => {
    expect(() => decodeAdapter(changed('targets-list', changes), DIT)).toThrow(message);
  });

  test('takes fields that say nothing of the numbers, and unknown ones that are null', () => {
    const harmless = { revision: 'x', lora_dropout: 0.5, eva_config: { rho: 1 }, new_thing: null, peft_version: 'y' };
    expect(decodeAdapter(changed('patterns', harmless), DIT).adapter).toEqual(
      decodeAdapter(peftFiles('parts/patterns'), DIT).adapter,
    );
  });
});

test('settings of layers have one form, and are checked by name', () => {
  const { adapter } = decodeAdapter(peftFiles('parts/targets-list'), DIT);
  expect(adapter).toEqual({
    ...{ method: 'lora', rank: 2, alpha: 4, rsLora: false },
    layers: Object.fromEntries(
      NAMES.filter((name) => !/attn\.[qv]$|1\.mlp\.in/.test(name)).map((name) => [name, null]),
    ),
  });
  const attach = (layers: unknown, method = 'lora') =>
    attachAdapters(initDit(createGenerator(0), DIT), {
      dit: DIT,
      adapter: { method, layers } as never,
      groups: sharedGroup(2),
      generator: createGenerator(0),
    });
  const q = 'blocks.0.attn.q';
  expect(attach({ [q]: { rank: 8 } }).config.adapter).not.toHaveProperty('layers');
  expect(() => attach({ 'blocks.9.attn.q': null })).toThrow(
    'layers: expected names such as blocks.0.attn.q, got "blocks.9',
  );
  expect(() => attach({ [q]: { blockSize: 2 } })).toThrow(`layers.${q}: expected only rank, alpha, got "blockSize"`);
  expect(() => attach({ [q]: { blockSize: 3 } }, 'oft')).toThrow(`layers.${q}.blockSize: expected a divisor of 8`);
  expect(() => attach({ [q]: 4 })).toThrow(`layers.${q}: expected an object or null, got 4`);
  expect(() => attach([])).toThrow('layers: expected an object of settings by layer, got an array of 0');
  expect(() => attach({ [q]: null }, 'bitfit')).toThrow('got "layers"');
  expect(() => attach(Object.fromEntries(NAMES.map((name) => [name, null])))).toThrow(
    'layers: expected at least one layer',
  );
});
