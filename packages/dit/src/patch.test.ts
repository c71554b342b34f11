import { expectClose, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { patchify, unpatchify } from './patch';

beforeAll(useTestBackend);

const image = (shape: [number, number, number, number]) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor4d(
    Float32Array.from({ length: size }, (_, i) => i),
    shape,
  );
};

describe('patchify and unpatchify', () => {
  test.each([
    [1, 2, 3],
    [2, 4, 1],
    [3, 8, 4],
    [2, 1, 2],
  ])('are inverses up to the order inside a patch (N %i, p %i, C %i)', (n, p, c) => {
    const x = image([n, 8, 8, c]);
    const patches = patchify(x, p); // (c, row, column) inside a patch
    const T = (8 / p) ** 2;
    const reordered = tf.transpose(tf.reshape(patches, [n, T, c, p, p]), [0, 1, 3, 4, 2]); // (row, column, c)
    const back = unpatchify(tf.reshape(reordered, [n, T, p * p * c]), { patchSize: p, channels: c });
    expect(back.shape).toEqual(x.shape);
    expectClose(back, x, { atol: 0, rtol: 0 });
  });

  test('keep pixel (h, w, c) where a convolution looks for it', () => {
    const x = image([1, 4, 6, 2]);
    const patches = patchify(x, 2); // 2 x 3 patches of 2·2·2
    expect(patches.shape).toEqual([1, 6, 8]);
    const pixel = (h: number, w: number, c: number) => (h * 6 + w) * 2 + c;
    const second = Array.from(patches.dataSync().slice(8, 16));
    expect(second).toEqual([0, 1].flatMap((c) => [pixel(0, 2, c), pixel(0, 3, c), pixel(1, 2, c), pixel(1, 3, c)]));
  });

  test('reject sizes that do not divide', () => {
    expect(() => patchify(image([1, 6, 8, 1]), 4)).toThrow(
      'x: expected height and width divisible by 4, got [1,6,8,1]',
    );
    const tokens = tf.zeros([1, 5, 4]) as tf.Tensor3D;
    expect(() => unpatchify(tokens, { patchSize: 2, channels: 1 })).toThrow(
      'tokens: expected [N, g*g, 4], got [1,5,4]',
    );
  });
});
