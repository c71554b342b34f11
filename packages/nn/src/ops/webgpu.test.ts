import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { useNnBackend } from '../../test/setup';
import { sumTensors } from '../index';

beforeAll(useNnBackend);

describe.runIf(process.env.LEARNGENE_TEST_BACKEND === 'webgpu')('tfjs on WebGPU', () => {
  const terms = (count: number) => Array.from({ length: count }, (_, i) => tf.tensor1d([i, 1]));

  /** AddN itself, past the guard of the tests' set-up. */
  const addN = (tensors: tf.Tensor[]) => {
    const { kernelFunc } = tf.getKernel('AddN', 'webgpu');
    const inputs = tensors as unknown as tf.NamedTensorInfoMap;
    return tf
      .engine()
      .makeTensorFromTensorInfo(kernelFunc({ inputs, backend: tf.backend(), attrs: {} }) as tf.TensorInfo);
  };

  test('sums 7 tensors in an op, and the device refuses 8, which the next read tells', () => {
    expect(Array.from(addN(terms(7)).dataSync())).toEqual([21, 7]);
    const dropped = addN(terms(8));
    expect(() => dropped.dataSync()).toThrow('webgpu: the device reported: ');
    expect(Array.from(sumTensors(terms(8)).dataSync())).toEqual([28, 8]);
  });
});
