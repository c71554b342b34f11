import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectClose, expectNoLeak } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it as test } from 'vitest';
import { useNnBackend } from '../test/setup';
import { disposeParams, flattenParams, paramsFromTensorData, paramsLike, paramsToTensorData } from './index';
import { loadParams, loadParamsLike, saveParams } from './node';

let folder = '';
beforeAll(async () => {
  await useNnBackend();
  folder = await mkdtemp(join(tmpdir(), 'learngene-nn-'));
});
afterAll(() => rm(folder, { recursive: true }));

const make = () => ({ layer: { weight: tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]), bias: tf.tensor1d([7, 8]) } });

describe('checkpoints', () => {
  test('come back as they were, with metadata', async () => {
    const params = make();
    const path = join(folder, 'round-trip.safetensors');
    await saveParams(path, params, { metadata: { step: '3' } });
    await saveParams(path, params, { metadata: { step: '4' } });
    expect(await readdir(folder)).toEqual(['round-trip.safetensors']);
    const loaded = await loadParams(path);
    expect(loaded.metadata).toEqual({ step: '4' });
    expect([...flattenParams(loaded.params).keys()].sort()).toEqual(['layer.bias', 'layer.weight']);
    const typed = await loadParamsLike(path, params);
    expectClose(typed.params.layer.weight, params.layer.weight, { rtol: 0, atol: 0 });
    expectClose(typed.params.layer.bias, params.layer.bias, { rtol: 0, atol: 0 });
    disposeParams({ params, loaded: loaded.params, typed: typed.params });
  });

  test('say everything that does not match a template', async () => {
    const path = join(folder, 'other.safetensors');
    await saveParams(path, { layer: { weight: tf.ones([3, 2]) }, extra: tf.ones([1]) });
    await expect(loadParamsLike(path, make())).rejects.toThrow(
      'other.safetensors: params: layer.weight: expected [2, 3], got [3, 2]; layer.bias: missing; ' +
        'extra: not a parameter of this model',
    );
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`p${i}`, tf.scalar(0)]));
    expect(() => paramsLike(many, new Map())).toThrow('p7: missing; and 2 more');
  });

  test('are float32', async () => {
    await expect(paramsToTensorData({ labels: tf.tensor1d([1], 'int32') })).rejects.toThrow(
      'labels: expected float32, got int32',
    );
    const params = paramsFromTensorData(new Map([['w', { dtype: 'F64', shape: [2], data: Float64Array.of(1, 2) }]]));
    expectClose(params.w as tf.Tensor, [1, 2]);
  });

  test('leak nothing', () =>
    expectNoLeak(async () => {
      const params = make();
      const copy = paramsLike(params, await paramsToTensorData(params));
      disposeParams({ params, copy });
    }));
});
