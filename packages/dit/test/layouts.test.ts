import { createHash } from 'node:crypto';
import { fromFloat32, type NamedTensors, type TensorData, toFloat32 } from '@learngene/tensor-io';
import { readFixture } from '@learngene/testing';
import { describe, expect, it as test } from 'vitest';
import {
  type DitConfig,
  type DitLayout,
  ditConfig,
  ditConfigFromDiffusers,
  ditConfigToDiffusers,
  ditFromDiffusers,
  ditFromFacebook,
  ditLayout,
  ditModules,
  ditTensorShapes,
  ditToDiffusers,
  ditToFacebook,
  ditVariant,
  inferDitConfig,
} from '../src/index';
import { bits, CASES, configOf, readTensors, summaryOf, under } from './fixtures';

function stateOf(name: (typeof CASES)[number]): Map<string, TensorData> {
  return under('state', readTensors(`${name}.safetensors`));
}

/** Tensors without data, for what reads only shapes. */
function shapesOnly(config: DitConfig, layout: DitLayout): NamedTensors {
  const data = new Float32Array();
  return new Map([...ditTensorShapes(config, layout)].map(([key, shape]) => [key, { dtype: 'F32', shape, data }]));
}

const broken = (tensors: NamedTensors, change: (copy: Map<string, TensorData>) => void) => {
  const copy = new Map(tensors);
  change(copy);
  return copy;
};

describe.each(CASES)('the %s checkpoint', (name) => {
  const config = configOf(name);
  const state = stateOf(name);
  const ours = ditFromFacebook(state, config);

  test('goes facebook -> ours -> facebook bit for bit, pos_embed included', () => {
    const back = ditToFacebook(ours, config);
    expect(new Map(bits(back).map((row) => [row[0], row]))).toEqual(new Map(bits(state).map((row) => [row[0], row])));
  });

  test('goes ours -> diffusers -> ours bit for bit', () => {
    const back = ditFromDiffusers(ditToDiffusers(ours, config), config);
    expect(new Map(bits(back).map((row) => [row[0], row]))).toEqual(new Map(bits(ours).map((row) => [row[0], row])));
  });

  test("becomes diffusers' own state dict bit for bit", () => {
    const { shapes, sha256 } = summaryOf(name).diffusers;
    const theirs = ditToDiffusers(ours, config);
    expect(Object.fromEntries([...theirs].map(([key, { shape }]) => [key, [...shape]]))).toEqual(shapes);
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);
    expect(Object.fromEntries(bits(theirs).map(([key, , , bytes]) => [key, digest(bytes)]))).toEqual(sha256);
  });

  test('tells its config by shapes', () => {
    expect(inferDitConfig(state, { heads: config.heads, classes: config.classes })).toEqual(config);
    expect(inferDitConfig(state, { heads: config.heads, labelDropout: config.labelDropout })).toEqual(config);
    expect(inferDitConfig(ours, { heads: config.heads, inputSize: 8, patchSize: config.patchSize })).toEqual(config);
    expect(inferDitConfig(ours, { heads: config.heads, inputSize: 8, inChannels: config.inChannels })).toEqual(config);
  });

  test("is described by diffusers' config.json", () => {
    const asDiffusers = { ...config, ...ditVariant('diffusers') };
    const { config: theirs } = summaryOf(name).diffusers;
    expect(ditConfigFromDiffusers(theirs)).toEqual(asDiffusers);
    expect(theirs).toMatchObject(ditConfigToDiffusers(asDiffusers));
  });
});

describe('tensors by name', () => {
  const config = ditConfig('DiT-XL/2');

  test('number 292 in facebookresearch/DiT and 538 in diffusers for DiT-XL/2', () => {
    expect(ditTensorShapes(config, 'facebook').size).toBe(292);
    expect(ditTensorShapes(config, 'diffusers').size).toBe(538);
  });

  test('belong to modules, whose layers we have', () => {
    const modules = ditModules(config, 'diffusers');
    expect(modules.get('transformer_blocks.27.attn1.to_out.0')).toEqual(['blocks.27.attn.o']);
    expect(modules.get('transformer_blocks.3.norm1.emb.class_embedder.embedding_table')).toEqual(['label.table']);
    expect(ditModules(config, 'facebook').get('blocks.0.attn.qkv')).toEqual(
      ['q', 'k', 'v'].map((part) => `blocks.0.attn.${part}`),
    );
    const ours = ditModules(config, 'learngene');
    expect([...ours].every(([module, [layer]]) => module === layer)).toBe(true);
    for (const layout of ['learngene', 'facebook', 'diffusers'] as const) {
      const layers = new Set([...ditModules(config, layout).values()].flat());
      expect(layers).toEqual(new Set(ours.keys()));
    }
  });

  test('sum to the published sizes', () => {
    const sum = (layout: DitLayout) =>
      [...ditTensorShapes(config, layout).values()].reduce((n, shape) => n + shape.reduce((a, b) => a * b, 1), 0);
    expect(sum('learngene')).toBe(674_834_720);
    expect(sum('facebook')).toBe(675_129_632);
    expect(sum('diffusers')).toBe(749_826_464);
  });

  test.each(['DiT-S/8', 'DiT-B/4', 'DiT-L/2', 'DiT-XL/2'] as const)('tell %s, heads included', (preset) => {
    const config = ditConfig(preset);
    expect(inferDitConfig(shapesOnly(config, 'facebook'))).toEqual(config);
    const diffusers = { ...config, ...ditVariant('diffusers') };
    expect(inferDitConfig(shapesOnly(config, 'diffusers'))).toEqual(diffusers);
  });

  test('tell the input size of a 512-pixel model', () => {
    const config = ditConfig('DiT-XL/2', { inputSize: 64 });
    expect(inferDitConfig(shapesOnly(config, 'facebook')).inputSize).toBe(64);
  });
});

describe('what cannot be told is asked for', () => {
  const config = configOf('latent');

  test('heads, patch size, layout', () => {
    expect(() => inferDitConfig(stateOf('latent'))).toThrow('heads: expected it to be given');
    expect(() => inferDitConfig(shapesOnly(config, 'learngene'))).toThrow('patchSize: expected it to be given');
    expect(() => ditLayout(new Map())).toThrow('x_embedder.proj.weight');
  });

  test('names a missing key and an impossible number of channels', () => {
    const state = stateOf('latent');
    const missing = broken(state, (copy) => copy.delete('final_layer.linear.bias'));
    expect(() => inferDitConfig(missing, { heads: 3, classes: 5 })).toThrow(
      'final_layer.linear.bias: expected in a DiT state dict',
    );
    const bias = { dtype: 'F32', shape: [12], data: new Float32Array(12) } as const;
    const odd = broken(state, (copy) => copy.set('final_layer.linear.bias', bias));
    expect(() => inferDitConfig(odd, { heads: 3, classes: 5 })).toThrow(
      'learnSigma: expected 4 or 8 output channels, got 3',
    );
  });
});

describe('a checkpoint that does not fit', () => {
  const config = configOf('latent');
  const state = stateOf('latent');
  const ours = ditFromFacebook(state, config);
  const vector = { dtype: 'F32', shape: [2], data: new Float32Array(2) } as const;

  test('names the missing key', () => {
    const missing = broken(state, (copy) => copy.delete('blocks.1.attn.qkv.bias'));
    expect(() => ditFromFacebook(missing, config)).toThrow('blocks.1.attn.qkv.bias: expected [36]');
  });

  test('names the unexpected key', () => {
    const more = broken(state, (copy) => copy.set('blocks.2.attn.qkv.bias', vector));
    expect(() => ditFromFacebook(more, config)).toThrow("got key 'blocks.2.attn.qkv.bias'");
    expect(() => ditToFacebook(more, config)).toThrow("got name 'blocks.0.adaLN_modulation.1.bias'");
  });

  test('names the wrong shape', () => {
    const wrong = broken(state, (copy) => copy.set('x_embedder.proj.bias', vector));
    expect(() => ditFromFacebook(wrong, config)).toThrow('x_embedder.proj.bias: expected [12], got [2]');
  });

  test('names the block whose embedder differs, unless block 0 is to be taken', () => {
    const key = 'transformer_blocks.1.norm1.emb.timestep_embedder.linear_1.bias';
    const tuned = broken(ditToDiffusers(ours, config), (copy) =>
      copy.set(
        key,
        fromFloat32(
          toFloat32(copy.get(key)!).map((value) => value + 1),
          [12],
          'F32',
        ),
      ),
    );
    expect(() => ditFromDiffusers(tuned, config)).toThrow(`${key}: expected the same numbers as transformer_blocks.0`);
    expect(bits(ditFromDiffusers(tuned, config, { copies: 'first' })).sort()).toEqual(bits(ours).sort());
    const half = broken(tuned, (copy) => copy.set(key, fromFloat32(new Float32Array(12), [12], 'F16')));
    expect(() => ditFromDiffusers(half, config)).toThrow('expected the same numbers');
  });

  test('is not read with another position table', () => {
    const shape = state.get('pos_embed')!.shape;
    const other = broken(state, (copy) => copy.set('pos_embed', fromFloat32(new Float32Array(16 * 12), shape, 'F32')));
    expect(() => ditFromFacebook(other, config)).toThrow('pos_embed: expected the fixed sin-cos table');
    expect(
      ditFromFacebook(
        broken(state, (copy) => copy.delete('pos_embed')),
        config,
      ).size,
    ).toBe(ours.size);
  });

  test('keeps half precision, and refuses to join halves with singles', () => {
    const half = new Map(
      [...ours].map(([name, tensor]) => [name, fromFloat32(toFloat32(tensor), tensor.shape, 'F16')]),
    );
    const written = ditToFacebook(half, config);
    expect(new Set([...written.values()].map(({ dtype }) => dtype))).toEqual(new Set(['F16']));
    expect(bits(ditFromFacebook(written, config)).sort()).toEqual(bits(half).sort());
    const mixed = broken(ours, (copy) => copy.set('blocks.0.attn.k.weight', half.get('blocks.0.attn.k.weight')!));
    expect(() => ditToFacebook(mixed, config)).toThrow('blocks.0.attn.k.weight: expected dtype F32');
    const whole = broken(ours, (copy) =>
      copy.set('patch.weight', { dtype: 'I32', shape: [12, 16], data: new Int32Array(192) }),
    );
    expect(() => ditToFacebook(whole, config)).toThrow('patch.weight: expected a floating dtype, got I32');
  });
});

describe("diffusers' config.json", () => {
  // The fields of the hub's facebook/DiT-XL-2-256, written before the class had its own name.
  const old = {
    _class_name: 'Transformer2DModel',
    _diffusers_version: '0.12.0.dev0',
    activation_fn: 'gelu-approximate',
    attention_bias: true,
    attention_head_dim: 72,
    cross_attention_dim: null,
    in_channels: 4,
    norm_elementwise_affine: false,
    norm_type: 'ada_norm_zero',
    num_attention_heads: 16,
    num_embeds_ada_norm: 1000,
    num_layers: 28,
    num_vector_embeds: null,
    out_channels: 8,
    patch_size: 2,
    sample_size: 32,
  };

  test('is read under its old class name', () => {
    expect(ditConfigFromDiffusers(old)).toEqual(ditConfig('DiT-XL/2', ditVariant('diffusers')));
  });

  test('is read as diffusers wrote it', () => {
    const file = readFixture<object>(import.meta.url, '../fixtures/diffusers/config.json');
    expect(ditConfigFromDiffusers(file)).toEqual({ ...configOf('pixel'), ...ditVariant('diffusers') });
  });

  test('takes as many output channels as input channels when it says none', () => {
    expect(ditConfigFromDiffusers({ ...old, out_channels: null }).learnSigma).toBe(false);
  });

  test.each([
    [{ ...old, _class_name: 'UNet2DModel' }, '_class_name: expected DiTTransformer2DModel'],
    [{ ...old, norm_type: 'layer_norm' }, 'norm_type: expected "ada_norm_zero", got "layer_norm"'],
    [{ ...old, activation_fn: 'gelu' }, 'activation_fn: expected "gelu-approximate"'],
    [{ ...old, out_channels: 5 }, 'out_channels: expected 4 or 8, got 5'],
    [{ ...old, num_layers: '28' }, 'num_layers: expected a number, got "28"'],
    [[], 'config: expected an object, got []'],
    [{ ...old, cross_attention_dim: 768 }, 'cross_attention_dim: expected null, got 768'],
    [{ ...old, attention_type: 'gated' }, 'attention_type: expected "default", got "gated"'],
    [{ ...old, only_cross_attention: true }, 'only_cross_attention: expected false, got true'],
    [{ ...old, mlp_ratio: 2 }, 'mlp_ratio: expected no such field of a DiT'],
    [{ ...old, class_dropout_prob: 0 }, 'class_dropout_prob: expected no such field of a DiT'],
    [{ ...old, toString: 1 }, 'toString: expected no such field of a DiT'],
    [JSON.parse('{"__proto__": 1}'), '__proto__: expected no such field of a DiT'],
  ])('rejects %o', (json, message) => {
    expect(() => ditConfigFromDiffusers(json)).toThrow(message);
  });

  test('is not written for what diffusers cannot express', () => {
    expect(() => ditConfigToDiffusers(ditConfig('DiT-S/2'))).toThrow('frequencyShift: expected 1 in diffusers');
    const wide = ditConfig('DiT-S/2', { mlpRatio: 2, ...ditVariant('diffusers') });
    expect(() => ditConfigToDiffusers(wide)).toThrow('mlpRatio: expected 4 in diffusers, got 2');
  });
});
