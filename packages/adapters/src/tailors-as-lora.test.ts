import { blockLinearNames, linearShape } from '@learngene/dit';
import { disposeParams, type ParamTree, paramsFromTensorData } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import { encodeSafetensors } from '@learngene/tensor-io';
import { expectNoLeak, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { bits, DIT } from '../test/tiny';
import { mainLayers, subTree } from './core/trees';
import { decodeAdapter } from './files/decode';
import { encodeLora } from './files/encode-lora';
import { FILES } from './files/names';
import { type LoraConfig, scalingOf } from './methods/lora';
import { loraOfTailors, tailorsOfLora, tailorsOfLoraAsync } from './tailors-as-lora';
import type { LoraAdapter } from './weighted';

beforeAll(useTestBackend);

type Factors = Record<'u' | 's' | 'v', tf.Tensor2D>;
const NAMES = blockLinearNames(DIT);
const rankOf = (name: string) => (name.endsWith('attn.k') ? 1 : 3);

/** Tailors of rank 3, and of rank 1 in the keys; without `absent`. */
function tailors(absent = 'none', seed = 1): ParamTree {
  const g = createGenerator(seed);
  return mainLayers(DIT, (name) => {
    if (name === absent) return undefined;
    const { in: inputs, out } = linearShape(DIT, name);
    const r = rankOf(name);
    const draw = (...shape: number[]) => tf.tensor(normal(g, tf.util.sizeFromShape(shape)), shape);
    return { u: draw(out, r), s: draw(r), v: draw(inputs, r) };
  });
}

const dense = ({ u, s, v }: Factors) => tf.matMul(tf.mul<tf.Tensor2D>(u, s), v, false, true);
const update = (tree: ParamTree, name: string) => dense(subTree<Factors>(tree, name)!);
const loraUpdate = ({ config, layers }: LoraAdapter, name: string) => {
  const own = config.layers?.[name] ?? {};
  const { a, b } = subTree<Record<'a' | 'b', tf.Tensor2D>>(layers, name)!;
  return tf.mul(tf.matMul(b, a, false, true), scalingOf({ ...config, ...own }));
};

/** A LoRA adapter of random factors: rank 3, in the first output projection 5, nothing in the first queries. */
function lora(settings: Partial<LoraConfig> = {}): LoraAdapter {
  const g = createGenerator(7);
  const config: LoraConfig = {
    ...{ method: 'lora', rank: 3, alpha: 5, rsLora: false },
    layers: { 'blocks.0.attn.q': null, 'blocks.0.attn.o': { rank: 5 }, 'blocks.1.mlp.in': { alpha: 1 } },
    ...settings,
  };
  const layers = mainLayers(DIT, (name) => {
    const own = config.layers?.[name];
    if (own === null) return undefined;
    const r = own?.rank ?? config.rank;
    const { in: inputs, out } = linearShape(DIT, name);
    return { a: tf.tensor(normal(g, inputs * r), [inputs, r]), b: tf.tensor(normal(g, out * r), [out, r]) };
  });
  return { config, layers };
}

describe('loraOfTailors', () => {
  test('makes the same update, with lora_B = u diag(s), lora_A = vᵀ and a scaling of 1', () => {
    tf.tidy(() => {
      const own = tailors('blocks.1.attn.v');
      const adapter = loraOfTailors({ ...own, label: { rows: tf.zeros([1, 16]) } }, DIT);
      const { layers = {}, ...config } = adapter.config;
      expect(config).toEqual({ method: 'lora', rank: 3, alpha: 3, rsLora: false });
      const keys = ['blocks.0.attn.k', 'blocks.1.attn.k'].map((name) => [name, { rank: 1, alpha: 1 }]);
      expect(layers).toEqual({ ...Object.fromEntries(keys), 'blocks.1.attn.v': null });
      for (const name of NAMES.filter((each) => each !== 'blocks.1.attn.v')) {
        const { u, s, v } = subTree<Factors>(own, name)!;
        const { a, b } = subTree<Record<string, tf.Tensor2D>>(adapter.layers, name)!;
        expect(bits({ a, b })).toEqual(bits({ a: v, b: tf.mul(u, s) }));
        expect(relativeError(loraUpdate(adapter, name), update(own, name))).toBeLessThan(1e-6);
      }
    });
  });

  test('starts as PEFT starts an adapter where tailors are fresh: lora_B is zero, lora_A is not', () => {
    tf.tidy(() => {
      const zeroed = mainLayers(DIT, (name) => {
        const { u, v } = subTree<Factors>(tailors(), name)!;
        return { u, s: tf.zeros([rankOf(name)]), v };
      });
      const { a, b } = subTree<Record<string, tf.Tensor>>(loraOfTailors(zeroed, DIT).layers, NAMES[0])!;
      expect([tf.max(tf.abs(b)).dataSync()[0], tf.max(tf.abs(a)).dataSync()[0] > 0]).toEqual([0, true]);
    });
  });

  test.each<[string, (tree: ParamTree) => ParamTree, string]>([
    ['no layers', () => ({}), 'tailors: expected factors of at least one main layer, got none'],
    [
      'a factor too few',
      (tree) => mainLayers(DIT, (name) => ({ u: subTree<Factors>(tree, name)!.u })),
      'tailors: expected blocks.0.attn.q.s, got none',
    ],
    [
      'a shape that does not fit',
      (tree) => mainLayers(DIT, (name) => ({ ...subTree<Factors>(tree, name)!, v: tf.zeros([3, 3]) })),
      'tailors: blocks.0.attn.q.v',
    ],
  ])('refuses %s', (_, change, message) => {
    tf.tidy(() => void expect(() => loraOfTailors(change(tailors()), DIT)).toThrow(message));
  });
});

describe('tailorsOfLora', () => {
  test('are exactly the update: u is lora_B, v is lora_A, s the scaling', () => {
    tf.tidy(() => {
      for (const rsLora of [false, true]) {
        const adapter = lora({ rsLora });
        const found = tailorsOfLora(adapter, { dit: DIT });
        expect([found.rank, found.cut]).toEqual([5, []]);
        for (const name of NAMES) {
          const { u, s, v } = subTree<Factors>(found.tailors, name)!;
          const { in: inputs, out } = linearShape(DIT, name);
          expect([u.shape, s.shape, v.shape]).toEqual([[out, 5], [5], [inputs, 5]]);
          const own = subTree<Record<string, tf.Tensor2D>>(adapter.layers, name);
          if (own === undefined) {
            expect(tf.max(tf.abs(update(found.tailors, name))).dataSync()[0]).toBe(0);
            continue;
          }
          const r = own.a.shape[1];
          expect(bits({ a: tf.slice(v, 0, [inputs, r]), b: tf.slice(u, 0, [out, r]) })).toEqual(bits(own));
          expect(relativeError(update(found.tailors, name), loraUpdate(adapter, name))).toBeLessThan(1e-6);
        }
      }
    });
  });

  test('a higher rank is cut to the best approximation, and the error is told by layer', () => {
    tf.tidy(() => {
      const adapter = lora();
      const { tailors: cut, cut: layers, rank } = tailorsOfLora(adapter, { dit: DIT, rank: 3 });
      expect([rank, layers.map(({ layer }) => layer), layers[0].rank]).toEqual([3, ['blocks.0.attn.o'], 5]);
      const whole = loraUpdate(adapter, 'blocks.0.attn.o');
      const difference = tf.norm(tf.sub(whole, update(cut, 'blocks.0.attn.o'))).dataSync()[0];
      expect(difference / tf.norm(whole).dataSync()[0]).toBeCloseTo(layers[0].relativeError, 5);
      expect(layers[0].relativeError).toBeGreaterThan(0.1);
      // No other product of that rank is nearer: a truncation of the factors is farther.
      const { a, b } = subTree<Record<string, tf.Tensor2D>>(adapter.layers, 'blocks.0.attn.o')!;
      const first = tf.mul(tf.matMul(tf.slice(b, 0, [16, 3]), tf.slice(a, 0, [16, 3]), false, true), 1);
      expect(tf.norm(tf.sub(whole, first)).dataSync()[0]).toBeGreaterThan(difference);
      expect(relativeError(update(cut, 'blocks.1.mlp.in'), loraUpdate(adapter, 'blocks.1.mlp.in'))).toBeLessThan(1e-6);
    });
  });

  test('a layer of zeros is cut without an error', () => {
    tf.tidy(() => {
      const adapter = lora({ layers: {}, rank: 3 });
      const zero = mainLayers(DIT, (name) => {
        const { a, b } = subTree<Record<string, tf.Tensor>>(adapter.layers, name)!;
        return { a, b: tf.zerosLike(b) };
      });
      const { cut } = tailorsOfLora({ ...adapter, layers: zero }, { dit: DIT, rank: 1 });
      expect(cut).toHaveLength(NAMES.length);
      expect(cut.every(({ relativeError }) => relativeError === 0)).toBe(true);
    });
  });

  test('come back from tailors', () => {
    tf.tidy(() => {
      const own = tailors();
      const { tailors: back, rank, cut } = tailorsOfLora(loraOfTailors(own, DIT), { dit: DIT });
      expect([rank, cut]).toEqual([3, []]);
      for (const name of NAMES) expect(relativeError(update(back, name), update(own, name))).toBeLessThan(1e-6);
    });
  });

  test.each<[string, object, string]>([
    ['a rank of 0', { rank: 0 }, 'rank: expected an integer from 1 to 16, got 0'],
    ['a rank above the width', { rank: 17 }, 'rank: expected an integer from 1 to 16, got 17'],
    ['half a rank', { rank: 1.5 }, 'rank: expected an integer from 1 to 16, got 1.5'],
    ['another option', { ranks: 1 }, 'expected only dit, rank, got "ranks"'],
  ])('refuses %s', async (_, options, message) => {
    tf.engine().startScope();
    expect(() => tailorsOfLora(lora(), { dit: DIT, ...options })).toThrow(message);
    await expect(tailorsOfLoraAsync(lora(), { dit: DIT, ...options })).rejects.toThrow(message);
    tf.engine().endScope();
  });

  test('refuses layers that its config does not have, and shapes of another rank', () => {
    tf.tidy(() => {
      const { config, layers } = lora();
      const more = { ...config, layers: {} };
      expect(() => tailorsOfLora({ config: more, layers }, { dit: DIT })).toThrow(
        'adapter: expected blocks.0.attn.q.a and blocks.0.attn.q.b, got no a',
      );
      const lower = { ...config, rank: 2 };
      expect(() => tailorsOfLora({ config: lower, layers }, { dit: DIT })).toThrow('adapter: blocks.0.attn.k.a');
    });
  });

  test('leak nothing', async () => {
    const adapter = lora();
    const own = tailors();
    await expectNoLeak(() => {
      disposeParams(tailorsOfLora(adapter, { dit: DIT, rank: 2 }).tailors);
      disposeParams(loraOfTailors(own, DIT).layers);
      expect(() => loraOfTailors({}, DIT)).toThrow('tailors');
    });
    disposeParams({ own, layers: adapter.layers });
  });
});

describe('a LoRA by the names of diffusers', () => {
  test('comes back from its two files', async () => {
    const adapter = lora({ rsLora: true });
    const files = await encodeLora(adapter, { dit: DIT, modules: 'diffusers' });
    expect([...files.keys()]).toEqual([FILES.config, FILES.tensors]);
    const config = JSON.parse(new TextDecoder().decode(files.get(FILES.config)));
    expect(config.target_modules).toContain('transformer_blocks.1.attn1.to_out.0');
    expect(config.target_modules).not.toContain('transformer_blocks.0.attn1.to_q');
    expect(config.rank_pattern).toEqual({ 'transformer_blocks\\.0\\.attn1\\.to_out\\.0': 5 });
    expect(config.alpha_pattern).toEqual({ 'transformer_blocks\\.1\\.ff\\.net\\.0\\.proj': 1 });
    const decoded = decodeAdapter(files, DIT, { modules: 'diffusers' });
    expect(decoded.adapter).toEqual(adapter.config);
    const layers = paramsFromTensorData(decoded.layers);
    expect(bits(layers)).toEqual(bits(adapter.layers));
    expect(() => decodeAdapter(files, DIT)).toThrow('target_modules: matches no main layer of this model');
    expect(() => decodeAdapter(files, DIT, { modules: 'timm' as never })).toThrow(
      'modules: expected "learngene" or "diffusers", got "timm"',
    );
    expect(() => decodeAdapter(files, DIT, { module: 'diffusers' } as never)).toThrow('expected only modules');
    disposeParams({ layers, own: adapter.layers });
  });

  test('names all layers by a pattern where none is left out', async () => {
    const adapter = lora({ layers: {} });
    const pattern = async (modules: 'learngene' | 'diffusers') =>
      JSON.parse(new TextDecoder().decode((await encodeLora(adapter, { dit: DIT, modules })).get(FILES.config)))
        .target_modules as string;
    const theirs = new RegExp(`^(?:${await pattern('diffusers')})$`);
    const ours = new RegExp(`^(?:${await pattern('learngene')})$`);
    expect(NAMES.every((name) => ours.test(name) && !theirs.test(name))).toBe(true);
    for (const module of ['attn1.to_q', 'attn1.to_k', 'attn1.to_v', 'attn1.to_out.0', 'ff.net.0.proj', 'ff.net.2'])
      expect(theirs.test(`transformer_blocks.11.${module}`)).toBe(true);
    for (const module of ['norm1.linear', 'ff.net.0', 'attn1'])
      expect(theirs.test(`transformer_blocks.0.${module}`)).toBe(false);
    disposeParams(adapter.layers);
  });

  test.each<[string, unknown, string]>([
    ['adaLN', ['to_q', 'norm1.linear'], 'got transformer_blocks.0.norm1.linear'],
    ['adaLN of one block', ['transformer_blocks.1.norm1.linear'], 'got transformer_blocks.1.norm1.linear'],
    ['the head', 'proj_out_2|.*to_q', 'got proj_out_2'],
    ['the label table', ['embedding_table'], 'got transformer_blocks.0.norm1.emb.class_embedder.embedding_table'],
    ['the embedding of timesteps', ['linear_1'], 'got transformer_blocks.0.norm1.emb.timestep_embedder.linear_1'],
    ['patches, by a name that two modules have', ['proj'], 'got pos_embed.proj'],
  ])('on %s is refused by the name of the module', async (_, target, message) => {
    const adapter = lora({ layers: {} });
    const files = await encodeLora(adapter, { dit: DIT, modules: 'diffusers' });
    const config = JSON.parse(new TextDecoder().decode(files.get(FILES.config)));
    files.set(FILES.config, new TextEncoder().encode(JSON.stringify({ ...config, target_modules: target })));
    expect(() => decodeAdapter(files, DIT, { modules: 'diffusers' })).toThrow(
      `adapter_config.json: target_modules: expected only the six main layers of a block, such as transformer_blocks.0.attn1.to_q, ${message}`,
    );
    disposeParams(adapter.layers);
  });

  test('with a tensor of another layer is refused by its key', async () => {
    const adapter = lora({ layers: {} });
    const files = await encodeLora(adapter, { dit: DIT, modules: 'diffusers' });
    const key = 'base_model.model.proj_out_1.lora_A.weight';
    const tensors = new Map([[key, { dtype: 'F32', shape: [1], data: new Float32Array(1) } as const]]);
    files.set(FILES.tensors, encodeSafetensors(tensors));
    expect(() => decodeAdapter(files, DIT, { modules: 'diffusers' })).toThrow(`"${key}": not a tensor of this adapter`);
    disposeParams(adapter.layers);
  });
});
