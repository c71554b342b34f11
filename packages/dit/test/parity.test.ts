import { flattenParams, paramsToTensorData, valueAndGrad } from '@learngene/nn';
import type { NamedTensors } from '@learngene/tensor-io';
import { relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it as test } from 'vitest';
import {
  applyDit,
  type DitConfig,
  type DitParams,
  ditFromDiffusers,
  ditFromFacebook,
  ditParamsFromTensorData,
  ditToFacebook,
  ditVariant,
  inferDitConfig,
} from '../src/index';
import { CASES, configOf, inputsOf, readTensors, under, values } from './fixtures';

const TOLERANCE = 1e-5;

beforeAll(useTestBackend);

describe.each(CASES)('the %s model', (name) => {
  let config: DitConfig;
  let tensors: NamedTensors;
  let params: DitParams;
  let inputs: ReturnType<typeof inputsOf>;
  const worst: Record<string, number> = {};

  beforeAll(() => {
    config = configOf(name);
    tensors = readTensors(`${name}.safetensors`);
    params = ditParamsFromTensorData(ditFromFacebook(under('state', tensors), config), config);
    inputs = inputsOf(tensors);
  });

  afterAll(() => {
    if (process.env.LEARNGENE_PRINT) console.log(name, worst);
  });

  test("has the torch restatement's output", () => {
    const out = applyDit(params, inputs, { config });
    expect((worst.output = relativeError(out, values(tensors, 'out')))).toBeLessThan(TOLERANCE);
  });

  test("has diffusers' output in the diffusers variant, and only there", () => {
    const expected = values(tensors, 'out.diffusers');
    const ours = applyDit(params, inputs, { config: { ...config, ...ditVariant('diffusers') } });
    expect((worst.diffusers = relativeError(ours, expected))).toBeLessThan(TOLERANCE);
    expect(relativeError(applyDit(params, inputs, { config }), expected)).toBeGreaterThan(1e-3);
  });

  test("has the torch restatement's gradient in every parameter and in x", async () => {
    const weight = tf.tensor(values(tensors, 'weight'), [...tensors.get('weight')!.shape]);
    const variables = { params, x: inputs.x };
    const { grads } = valueAndGrad(
      (p) => tf.sum(tf.mul(applyDit(p.params, { ...inputs, x: p.x }, { config }), weight)) as tf.Scalar,
      variables,
    );
    expect((worst['grad x'] = relativeError(grads.x, values(tensors, 'grad.x')))).toBeLessThan(TOLERANCE);
    const named = ditToFacebook(await paramsToTensorData(grads.params), config);
    const expected = under('grad', tensors);
    expected.delete('x');
    expect(expected.size).toBe(named.size - 1); // pos_embed is fixed
    for (const [key, tensor] of expected) {
      const error = relativeError(named.get(key)!.data as Float32Array, tensor.data as Float32Array);
      worst.grad = Math.max(worst.grad ?? 0, error);
      expect(error, key).toBeLessThan(TOLERANCE);
    }
    expect([...flattenParams(grads.params).keys()]).toEqual([...flattenParams(params).keys()]);
  });
});

test('reads a checkpoint that diffusers saved, down to its output', () => {
  const saved = readTensors('diffusers/diffusion_pytorch_model.safetensors');
  const config = inferDitConfig(saved, { heads: 2, inputSize: 8 });
  expect(config).toEqual({ ...configOf('pixel'), ...ditVariant('diffusers') });
  const params = ditParamsFromTensorData(ditFromDiffusers(saved, config), config);
  const tensors = readTensors('pixel.safetensors');
  const out = applyDit(params, inputsOf(tensors), { config });
  expect(relativeError(out, values(tensors, 'out.diffusers'))).toBeLessThan(TOLERANCE);
});
