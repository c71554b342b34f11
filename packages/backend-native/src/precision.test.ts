import { relativeError } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { random } from '../test/against-cpu';
import { fusedOps } from '../test/fused-ops';
import { NATIVE } from './backend';
import { registerNativeBackend } from './kernels/register';
import { loadNative } from './native';
import { setNativePrecision } from './precision';

registerNativeBackend();
beforeAll(() => tf.setBackend(NATIVE));
afterEach(async () => {
  await tf.setBackend(NATIVE);
  setNativePrecision('f32');
});

const sizes = { samples: 5, tokens: 7, width: 33, other: 70, heads: 1 };

/** The result and all gradients of a fused op. */
function everything(name: string): tf.Tensor[] {
  const op = fusedOps[name];
  const inputs = op.inputs(sizes, 3);
  const outputs = op.forward(inputs, sizes);
  const grads = op.backward(random(outputs[0].shape, 99, -1, 1), inputs, outputs, sizes);
  return [outputs[0], ...Object.values(grads)];
}

describe.runIf(loadNative().hasBf16())('bf16', () => {
  const layers = ['linear', 'linearGelu', 'linearGatedResidual', 'groupedLowRank'];
  test.each(layers)('%s: rounded factors, and nothing else', (name) => {
    const exact = everything(name);
    setNativePrecision('bf16');
    const rounded = everything(name);
    // a factor has 8 bits: the mean error of a long sum of products is about 2^-9 of its size
    for (const [i, values] of rounded.entries()) expect(relativeError(values, exact[i])).toBeLessThan(1.5e-2);
    expect(relativeError(rounded[0], exact[0])).toBeGreaterThan(1e-4);
    setNativePrecision('f32');
    for (const [i, values] of everything(name).entries()) expect(values.dataSync()).toEqual(exact[i].dataSync());
  });

  test('of products of matrices, but not of elementwise ops', () => {
    const [a, b] = [random([40, 50], 1), random([50, 60], 2)];
    const ops = () => [tf.matMul(a, b), tf.mul(a, a), tf.softmax(a)];
    const exact = ops();
    setNativePrecision('bf16');
    const [product, ...others] = ops();
    expect(relativeError(product, exact[0])).toBeGreaterThan(1e-4);
    expect(relativeError(product, exact[0])).toBeLessThan(1e-2);
    for (const [i, values] of others.entries()) expect(values.dataSync()).toEqual(exact[i + 1].dataSync());
  });
});

test('bf16 is refused where the processor has none', () => {
  const set = () => setNativePrecision('bf16');
  if (loadNative().hasBf16()) expect(set).not.toThrow();
  else expect(set).toThrow('has no products of bfloat16');
});

test('the precision is that of the native backend', async () => {
  await tf.setBackend('cpu');
  expect(() => setNativePrecision('bf16')).toThrow('expected the active backend to be native, got cpu');
});

test.each(['f16', 'bfloat16', '', undefined, null, 32, Number.NaN])('refuses the precision %j by name', (precision) => {
  expect(() => setNativePrecision(precision as 'f32')).toThrow("precision: expected 'f32' or 'bf16', got");
});
