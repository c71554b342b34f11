import {
  ditConfig,
  ditParamsFromTensorData,
  ditReader,
  ditTensorShapes,
  ditToDiffusers,
  ditToFacebook,
  type LazyTensors,
} from '@learngene/dit';
import { disposeParams, type ParamTree, paramsToTensorData } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import type { NamedTensors, TensorData } from '@learngene/tensor-io';
import { expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { kindConfig, kindFromDense, kindFromDenseReader, type LayerError } from '../src/index';

const dit = ditConfig({ inputSize: 8, patchSize: 4, inChannels: 3, hiddenSize: 16, depth: 2, heads: 2, classes: 3 });
const groups = ['owl', 'fox', 'elk'].map((name, id) => ({ name, classes: [id] }));
const config = kindConfig({ dit, learngeneRank: 5, tailorRank: 3, groups });

beforeAll(useTestBackend);

/** A dense model without zeros, whose layers all differ. */
function dense(of = dit): Map<string, TensorData> {
  const g = createGenerator(3);
  const tensor = (shape: readonly number[]): TensorData => {
    const size = shape.reduce((a, b) => a * b, 1);
    return { dtype: 'F32', shape: [...shape], data: normal(g, size) };
  };
  return new Map([...ditTensorShapes(of, 'learngene')].map(([name, shape]) => [name, tensor(shape)]));
}

function lazy(tensors: NamedTensors, read: string[] = []): LazyTensors {
  return {
    names: [...tensors.keys()],
    info: (name) => tensors.get(name)!,
    read: async (name) => {
      read.push(name);
      return tensors.get(name)!;
    },
  };
}

const numbers = async (tree: unknown) => paramsToTensorData(tree as ParamTree);

describe('a dense DiT that is read a tensor at a time', () => {
  test.each([
    ['learngene', (tensors: Map<string, TensorData>) => tensors],
    ['facebook', (tensors: Map<string, TensorData>) => ditToFacebook(tensors, dit)],
    ['diffusers', (tensors: Map<string, TensorData>) => ditToDiffusers(tensors, dit)],
  ] as const)('in layout %s gives the bits of kindFromDense, and its distance by layer', async (_, layout) => {
    const tensors = dense();
    const whole = ditParamsFromTensorData(tensors, dit);
    const errors: LayerError[] = [];
    for (const randomized of [false, true]) {
      const options = () => ({ generator: createGenerator(1), randomized });
      const expected = kindFromDense(whole, config, options());
      const read = await ditReader(lazy(layout(tensors)), dit);
      const onLayer = (error: LayerError) => void (randomized || errors.push(error));
      const params = await kindFromDenseReader(read, config, { ...options(), onLayer });
      expect(await numbers(params)).toEqual(await numbers(expected));
      disposeParams(params as unknown as ParamTree);
      disposeParams(expected as unknown as ParamTree);
    }
    expect(errors).toHaveLength(12);
    expect(errors[0]).toMatchObject({ layer: 'blocks.0.attn.q', rank: 8 });
    const { learngenes, tailors, shared } = kindFromDense(whole, config, { generator: createGenerator(1) });
    for (const { layer, error } of errors) {
      const [, block, part, name] = layer.split('.') as [string, string, 'attn', 'q'];
      const product = (f: { u: tf.Tensor2D; s: tf.Tensor1D; v: tf.Tensor2D }) =>
        tf.matMul(tf.mul(f.u, f.s), f.v, false, true);
      const distance = tf.tidy(() => {
        const near = tf.add(
          product(learngenes.blocks[block][part][name]),
          product(tailors.owl.blocks[block][part][name]!),
        );
        const weight = whole.blocks[block][part][name].weight;
        return tf.div(tf.norm(tf.sub(weight, near)), tf.norm(weight)).dataSync()[0];
      });
      expect(error).toBeGreaterThan(0.1);
      expect(distance).toBeCloseTo(error, 5);
    }
    disposeParams({ whole, learngenes, tailors, shared } as unknown as ParamTree);
  });

  test('reads each tensor once, and takes rows of other classes', async () => {
    const tensors = dense({ ...dit, classes: 7 });
    const asked: string[] = [];
    const read = await ditReader(lazy(ditToFacebook(tensors, { ...dit, classes: 7 }), asked), { ...dit, classes: 7 });
    const params = await kindFromDenseReader(read, config, { generator: createGenerator(0), classRows: [6, 2, 7] });
    expect(new Set(asked).size).toBe(asked.length);
    const table = tensors.get('label.table')!.data as Float32Array;
    const rows = { owl: 6, fox: 2, elk: 7 } as const;
    for (const [name, row] of Object.entries(rows)) {
      expect(params.tailors[name].label.rows.dataSync()).toEqual(table.slice(row * 16, row * 16 + 16));
    }
    expect(params.shared.label.null.dataSync()).toEqual(table.slice(7 * 16));
    disposeParams(params as unknown as ParamTree);
    await expect(
      kindFromDenseReader(read, config, { generator: createGenerator(0), classRows: [1, 2, 8] }),
    ).rejects.toThrow('classRows: expected 3 rows of a table of 8');
  });

  test('that is damaged is refused by name, and nothing leaks', async () => {
    const tensors = dense();
    const facebook = ditToFacebook(tensors, dit);
    const [name] = [...facebook.keys()].slice(-1);
    await expect(ditReader(lazy(new Map([...facebook].slice(0, -1))), dit)).rejects.toThrow(name);
    await expect(ditReader(lazy(new Map([...facebook, ['extra', facebook.get(name)!]])), dit)).rejects.toThrow(
      "'extra'",
    );
    await expect(ditReader(lazy(facebook), { ...dit, depth: 1 })).rejects.toThrow("'blocks.1.");
    const flat = { ...facebook.get('pos_embed')!, data: new Float32Array(4 * 16) } as TensorData;
    const other = new Map([...facebook, ['pos_embed', flat]]);
    await expect(ditReader(lazy(other), dit)).rejects.toThrow('pos_embed: expected the fixed sin-cos table');
    const diffusers = ditToDiffusers(tensors, dit);
    const copy = 'transformer_blocks.1.norm1.emb.timestep_embedder.linear_1.bias';
    const changed = { ...diffusers.get(copy)!, data: new Float32Array(16) } as TensorData;
    await expect(ditReader(lazy(new Map([...diffusers, [copy, changed]])), dit)).rejects.toThrow(
      `${copy}: expected the same`,
    );

    const nan = {
      ...tensors.get('blocks.1.mlp.in.weight')!,
      data: new Float32Array(64 * 16).fill(Number.NaN),
    } as TensorData;
    const read = await ditReader(lazy(new Map([...tensors, ['blocks.1.mlp.in.weight', nan]])), dit);
    await expectNoLeak(async () => {
      await expect(kindFromDenseReader(read, config, { generator: createGenerator(0) })).rejects.toThrow('weight');
    });
    const tooMuch = { ...config, learngeneRank: 14 };
    await expect(kindFromDenseReader(read, tooMuch, { generator: createGenerator(0) })).rejects.toThrow(
      'learngeneRank',
    );
  });
});
