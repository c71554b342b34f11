import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agreeExactly, holds, positiveSize, random, shapeOf } from '../../test/against-cpu';
import { loadNative } from '../native';

const seed = fc.nat(1e6);

/** A shape and an order of its dimensions. */
const permuted = shapeOf(1, 6).chain((shape) =>
  fc.tuple(
    fc.constant(shape),
    fc.shuffledSubarray(
      shape.map((_, d) => d),
      { minLength: shape.length },
    ),
  ),
);

/** A shape and one of its dimensions. */
const withAxis = shapeOf(1, 4).chain((shape) => fc.tuple(fc.constant(shape), fc.nat(shape.length - 1)));

describe('data movement agrees with the cpu backend to the bit', () => {
  test('transpose', async () => {
    await holds(fc.tuple(permuted, seed), ([[shape, perm], s]) =>
      agreeExactly(() => tf.transpose(random(shape, s), perm)),
    );
    await agreeExactly(() => [
      tf.transpose(random([257, 300], 1)),
      tf.transpose(random([4, 64, 6, 64], 2), [0, 2, 1, 3]),
      tf.transpose(random([4, 16, 2, 16, 2, 4], 3), [0, 1, 3, 5, 2, 4]), // patches
      tf.transpose(random([30_000, 3], 4)),
      tf.transpose(random([3, 30_000], 4)),
      tf.transpose(tf.tensor2d([[1, 2, 3]], [1, 3], 'int32')),
    ]);
  });

  test('slice', async () => {
    const boxes = shapeOf(1, 4).chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.tuple(...shape.map((size) => fc.nat(size))),
        fc.tuple(...shape.map((size) => fc.nat(size))),
      ),
    );
    await holds(fc.tuple(boxes, seed), ([[shape, a, b], s]) =>
      agreeExactly(() => {
        const begin = a.map((x, d) => Math.min(x, b[d]));
        return tf.slice(
          random(shape, s),
          begin,
          a.map((x, d) => Math.max(x, b[d]) - begin[d]),
        );
      }),
    );
    await agreeExactly(() => [
      tf.slice(random([3, 4], 1), [1, 0]),
      tf.slice(random([3, 4], 1), 1, 1),
      tf.slice(random([300, 400], 1), [7, 9], [290, -1]),
      tf.slice(tf.tensor1d([1, 2, 3], 'int32'), 1),
    ]);
  });

  test('stridedSlice', async () => {
    const cuts = shapeOf(1, 4, positiveSize).chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        fc.tuple(...shape.map((size) => fc.integer({ min: -size, max: size - 1 }))),
        fc.tuple(...shape.map((size) => fc.integer({ min: -size, max: size }))),
        fc.tuple(...shape.map(() => fc.constantFrom(-3, -2, -1, 1, 2, 3))),
        fc.nat(15),
        fc.nat(15),
        fc.constantFrom(0, 0, 1, 2),
      ),
    );
    await holds(fc.tuple(cuts, seed), ([[shape, begin, end, steps, beginMask, endMask, newAxisMask], s]) => {
      // the cpu backend fails at an end before the begin where all steps are 1, instead of giving nothing
      const from = (at: number, d: number) => (at < 0 ? at + shape[d] : at);
      const until = end.map((at, d) => (steps[d] === 1 ? Math.max(from(at, d), from(begin[d], d)) : at));
      return agreeExactly(() =>
        tf.stridedSlice(random(shape, s), begin, until, steps, beginMask, endMask, 0, newAxisMask),
      );
    });
    await agreeExactly(() => tf.stridedSlice(random([5, 6, 7], 1), [1, 2], [5, 6], [2, 3], 0, 0, 1));
    // the cpu backend takes the wrong row here
    await tf.setBackend('native');
    const x = tf.reshape(tf.range(0, 30), [5, 6]);
    const row = tf.stridedSlice(x, [1, 0], [2, 6], [1, 2], 0, 0, 0, 0, 1);
    expect([row.shape, [...row.dataSync()]]).toEqual([[3], [6, 8, 10]]);
    const nothing = tf.stridedSlice(x, [4], [1], [1]);
    expect(nothing.shape).toEqual([0, 6]);
    tf.dispose([x, row, nothing]);
  });

  test('reverse, tile, pad', async () => {
    await holds(fc.tuple(withAxis, seed), ([[shape, axis], s]) =>
      agreeExactly(() => tf.reverse(random(shape, s), axis)),
    );
    const repeated = shapeOf(1, 4).chain((shape) =>
      fc.tuple(fc.constant(shape), fc.tuple(...shape.map(() => fc.integer({ min: 0, max: 3 })))),
    );
    await holds(fc.tuple(repeated, seed), ([[shape, reps], s]) => agreeExactly(() => tf.tile(random(shape, s), reps)));
    const padded = shapeOf(1, 4).chain((shape) =>
      fc.tuple(fc.constant(shape), fc.tuple(...shape.map(() => fc.tuple(fc.nat(2), fc.nat(2))))),
    );
    await holds(fc.tuple(padded, seed), ([[shape, paddings], s]) =>
      agreeExactly(() => tf.pad(random(shape, s), paddings, 0.5)),
    );
    await agreeExactly(() => [tf.reverse(random([3, 4, 5], 1)), tf.pad(tf.tensor1d([1], 'int32'), [[1, 2]])]);
  });

  test('concat, stack, split, unstack', async () => {
    await holds(
      fc.tuple(withAxis, fc.array(fc.nat(4), { minLength: 1, maxLength: 4 }), seed),
      ([[shape, axis], n, s]) =>
        agreeExactly(() => {
          const part = (size: number, i: number) => random(shape.with(axis, size), s + i);
          return [
            tf.concat(n.map(part), axis),
            tf.stack(
              n.map((_, i) => random(shape, s + i)),
              axis,
            ),
            tf.stack([random(shape, s), random(shape, s + 1)], -1),
            ...tf.split(
              random(
                shape.with(
                  axis,
                  n.reduce((a, b) => a + b),
                ),
                s,
              ),
              n,
              axis,
            ),
          ];
        }),
    );
    await holds(fc.tuple(withAxis, seed), ([[shape, axis], s]) =>
      agreeExactly(() => [
        ...tf.unstack(random(shape.with(axis, 3), s), axis),
        ...tf.unstack(random([...shape, 2], s), -1),
      ]),
    );
    await agreeExactly(() => [
      tf.concat([tf.tensor1d([1], 'int32'), tf.tensor1d([2], 'int32')]),
      ...tf.unstack(tf.tensor2d([[1, 2]], [1, 2], 'int32')),
      ...tf.split(random([300, 400], 5), 4, 1),
    ]);
  });

  test('gather, along any axis and with batches', async () => {
    const rows = shapeOf(1, 4, positiveSize).chain((shape) =>
      fc
        .nat(shape.length - 1)
        .chain((axis) =>
          fc.tuple(
            fc.constant(shape),
            fc.constant(axis),
            fc.array(fc.nat(shape[axis] - 1), { minLength: 0, maxLength: 9 }),
          ),
        ),
    );
    await holds(fc.tuple(rows, seed), ([[shape, axis, indices], s]) =>
      agreeExactly(() => tf.gather(random(shape, s), tf.tensor1d(indices, 'int32'), axis)),
    );
    await agreeExactly(() => [
      tf.gather(random([3, 5, 4], 1), tf.tensor2d([0, 4, 1, 1, 2, 0], [3, 2], 'int32'), 1, 1),
      tf.gather(random([7, 2], 1), tf.tensor2d([0, 6, 1, 1], [2, 2], 'int32')),
      tf.gather(tf.tensor1d([5, 6, 7], 'int32'), tf.tensor1d([2, 0], 'int32')),
      tf.gather(random([900, 100], 1), tf.range(0, 900, 1, 'int32')),
    ]);
  });

  test('an index out of range is an error that names it', async () => {
    await tf.setBackend('native');
    const x = tf.ones([3, 2]);
    for (const index of [3, -1]) {
      expect(() => tf.gather(x, tf.tensor1d([0, index], 'int32'))).toThrow(`the index value ${index} is not in [0, 2]`);
    }
  });

  test('unsortedSegmentSum and oneHot, indices outside included', async () => {
    const rows = fc.array(fc.integer({ min: -1, max: 6 }), { minLength: 0, maxLength: 20 });
    await holds(fc.tuple(rows, shapeOf(0, 2), seed), ([ids, rest, s]) =>
      agreeExactly(() => {
        const whole = tf.round(tf.mul(random([ids.length, ...rest], s), 10));
        const indices = tf.tensor1d(ids, 'int32');
        return [
          tf.unsortedSegmentSum(whole, indices, 5),
          tf.oneHot(indices, 5, 2, 0.5, 'float32'),
          tf.oneHot(indices, 4),
        ];
      }),
    );
  });

  test('gradients of indexing and joining', async () => {
    const indices = () => tf.tensor1d([2, 0, 2, 1], 'int32');
    await agreeExactly(() => [
      tf.grad((x) => tf.sum(tf.mul(tf.gather(x, indices()), random([4, 3], 1))))(random([3, 3], 2)),
      tf.grad((x) => tf.sum(tf.mul(tf.gather(x, indices(), 1), random([3, 4], 1))))(random([3, 3], 2)),
      tf.grad((x) => tf.sum(tf.mul(tf.concat([x, x], 1), random([3, 6], 1))))(random([3, 3], 2)),
      tf.grad((x) => tf.sum(tf.mul(tf.slice(x, [1, 1]), random([2, 2], 1))))(random([3, 3], 2)),
      tf.grad((x) => tf.sum(tf.mul(tf.tile(x, [2, 1]), random([6, 3], 1))))(random([3, 3], 2)),
    ]);
  });
});

test('copies outside their arrays are refused', () => {
  const addon = loadNative();
  const [x, y] = [new Float32Array(10), new Float32Array(10)];
  const copy = (dims: number[], from = 0, to = 0) =>
    addon.copyStrided(x, y, Int32Array.from(dims), dims.length / 3, from, to);
  expect(() => copy([11, 1, 1])).toThrow('reads outside the source');
  expect(() => copy([10, 1, 1], 1)).toThrow('reads outside the source');
  expect(() => copy([10, -1, 1], 8)).toThrow('reads outside the source');
  expect(() => copy([5, 1, 2], 0, 2)).toThrow('writes outside the destination');
  expect(() => copy([2, 1, 1, 2, 1, 1])).toThrow('overlap in the destination');
  expect(() => copy([-1, 1, 1])).toThrow('expected sizes');
  expect(() => addon.copyStrided(x, y, new Int32Array(3), 2, 0, 0)).toThrow('expected 2 triples');
  expect(() => addon.copyStrided(x, x, Int32Array.of(1, 1, 1), 1, 0, 0)).toThrow('overlaps');
  expect(() => addon.gather(x, Int32Array.of(5), y.subarray(0, 2), 1, 1, 5, 2)).toThrow('index value 5');
  expect(() => addon.gather(x, Int32Array.of(1), y, 1, 1, 5, 2)).toThrow('y: expected 2 elements, got 10');
  expect(() => addon.segmentSum(x, new Int32Array(5), y.subarray(0, 3), 2)).toThrow('y: expected rows of 2');
  expect(() => addon.oneHot(new Int32Array(3), y, 3, 1, 0)).toThrow('y: expected 9 elements, got 10');
});
