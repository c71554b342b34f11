import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agree, agreeExactly, holds, integers, numbers, random, shapeOf } from '../../test/against-cpu';
import { ARITHMETIC, COMPARISONS, LOGICAL, UNARY } from '../addon/elementwise';
import { REDUCTIONS } from '../addon/reduce';
import { loadNative } from '../native';

type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
type Unary = (x: tf.Tensor) => tf.Tensor;

/** Two shapes that broadcast: sizes of 1 and leading sizes left out at random. */
const pair = fc
  .tuple(shapeOf(0, 4), fc.nat(), fc.nat(), fc.nat(4), fc.nat(4))
  .map(([shape, onesA, onesB, cutA, cutB]): [number[], number[]] => {
    const operand = (ones: number, cut: number, keep: number) =>
      shape.map((size, d) => ((ones >> d) & 1 && !((keep >> d) & 1) ? 1 : size)).slice(Math.min(cut, shape.length));
    // a dimension is 1 in one operand at most, and only the second is cut
    return cutA % 2 === 0
      ? [operand(onesA, 0, onesB), operand(onesB, cutB, onesA)]
      : [operand(onesB, cutB, onesA), operand(onesA, 0, onesB)];
  });

const seed = fc.nat(1e6);
const AWKWARD = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
  -0,
  1,
  -1,
  2,
  0.5,
  -2.5,
  1e30,
  -1e-30,
];

test('operations have the numbers that the addon gives them', () => {
  const addon = loadNative();
  expect(addon.operationNames('arithmetic')).toEqual(ARITHMETIC);
  expect(addon.operationNames('comparison')).toEqual(COMPARISONS);
  expect(addon.operationNames('logical')).toEqual(LOGICAL);
  expect(addon.operationNames('unary')).toEqual(UNARY);
  expect(addon.operationNames('reduction')).toEqual(REDUCTIONS);
});

describe('binary operations agree with the cpu backend', () => {
  const arithmetic: [string, Binary][] = [
    ['add', tf.add],
    ['sub', tf.sub],
    ['mul', tf.mul],
    ['div', tf.div],
    ['maximum', tf.maximum],
    ['minimum', tf.minimum],
    ['squaredDifference', tf.squaredDifference],
  ];
  test.each(arithmetic)('%s', async (_, f) => {
    await holds(fc.tuple(pair, seed), ([[a, b], s]) => agree(() => f(random(a, s), random(b, s + 1))));
    const [a, b] = [AWKWARD.flatMap((x) => AWKWARD.map(() => x)), AWKWARD.flatMap(() => AWKWARD)];
    await agree(() => f(tf.tensor1d(a), tf.tensor1d(b)));
  });

  test('pow', async () => {
    await holds(fc.tuple(pair, seed), ([[a, b], s]) => agree(() => tf.pow(random(a, s, 0, 4), random(b, s + 1))));
    const [a, b] = [AWKWARD.flatMap((x) => AWKWARD.map(() => x)), AWKWARD.flatMap(() => AWKWARD)];
    await agree(() => tf.pow(tf.tensor1d(a), tf.tensor1d(b)));
  });

  const comparisons: [string, Binary][] = [
    ['equal', tf.equal],
    ['notEqual', tf.notEqual],
    ['less', tf.less],
    ['lessEqual', tf.lessEqual],
    ['greater', tf.greater],
    ['greaterEqual', tf.greaterEqual],
  ];
  test.each(comparisons)('%s', async (_, f) => {
    await holds(fc.tuple(pair, seed), ([[a, b], s]) => agreeExactly(() => f(integers(a, s), integers(b, s + 1))));
    const [a, b] = [AWKWARD.flatMap((x) => AWKWARD.map(() => x)), AWKWARD.flatMap(() => AWKWARD)];
    await agreeExactly(() => f(tf.tensor1d(a), tf.tensor1d(b)));
  });

  test.each<[string, Binary]>([
    ['logicalAnd', tf.logicalAnd],
    ['logicalOr', tf.logicalOr],
  ])('%s', async (_, f) => {
    const booleans = (shape: number[], s: number) => tf.cast(integers(shape, s, 0, 1), 'bool');
    await holds(fc.tuple(pair, seed), ([[a, b], s]) => agreeExactly(() => f(booleans(a, s), booleans(b, s + 1))));
  });

  test('large ones, which run on all threads', async () => {
    for (const [a, b] of [
      [[300, 333], [333]],
      [
        [300, 1],
        [300, 333],
      ],
      [[20_000, 5], [5]],
      [
        [7, 1, 91, 60],
        [7, 11, 1, 60],
      ],
    ]) {
      await agreeExactly(() => tf.mul(random(a, 1), random(b, 2)));
    }
  });

  test('other types are left to the cpu backend', async () => {
    await agreeExactly(() => [
      tf.add(tf.tensor1d([1, 2], 'int32'), tf.tensor1d([3, 4], 'int32')),
      tf.add(tf.tensor1d([1, 2], 'int32'), tf.tensor1d([0.5, 4])),
      tf.floorDiv(tf.tensor1d([7, -7], 'int32'), tf.scalar(2, 'int32')),
      tf.less(tf.tensor1d([7, -7], 'int32'), tf.scalar(2, 'int32')),
    ]);
  });
});

describe('functions of one tensor agree with the cpu backend', () => {
  const cases: [string, Unary, number, number][] = [
    ['neg', tf.neg, -3, 3],
    ['abs', tf.abs, -3, 3],
    ['exp', tf.exp, -80, 80],
    ['expm1', tf.expm1, -2, 3],
    ['expm1 near 0', tf.expm1, -1e-4, 1e-4],
    ['log', tf.log, 0, 100],
    ['log near 1', tf.log, 0.99, 1.01],
    ['log1p', tf.log1p, -0.99, 5],
    ['log1p near 0', tf.log1p, -1e-4, 1e-4],
    ['sqrt', tf.sqrt, 0, 100],
    ['rsqrt', tf.rsqrt, 1e-3, 100],
    ['square', tf.square, -9, 9],
    ['reciprocal', tf.reciprocal, -9, 9],
    ['sigmoid', tf.sigmoid, -30, 30],
    ['tanh', tf.tanh, -10, 10],
    ['relu', tf.relu, -1, 1],
    ['relu6', tf.relu6, -3, 9],
    ['leakyRelu', (x) => tf.leakyRelu(x, 0.3), -3, 3],
    ['elu', tf.elu, -9, 3],
    ['softplus', tf.softplus, -30, 30],
    ['sin', tf.sin, -1000, 1000],
    ['cos', tf.cos, -1000, 1000],
    ['floor', tf.floor, -9, 9],
    ['ceil', tf.ceil, -9, 9],
    ['round', tf.round, -9, 9],
    ['sign', tf.sign, -1, 1],
    ['clipByValue', (x) => tf.clipByValue(x, -1.5, 2), -3, 3],
    ['step', (x) => tf.step(x, 0.2), -1, 1],
  ];
  test.each(cases)('%s', async (_, f, low, high) => {
    await holds(fc.tuple(shapeOf(0, 4), seed), ([shape, s]) => agree(() => f(random(shape, s, low, high))), 20);
    await agree(() => f(random([211, 307], 1, low, high)));
    // the cpu backend's elu cancels in double precision
    await agree(() => f(tf.tensor1d([...AWKWARD, 0.5, 1.5, 2.5, -0.5, -1.5])), { absolute: 1e-16 });
  });

  test('erf within the error of the approximation that the cpu backend uses', async () => {
    await holds(fc.tuple(shapeOf(0, 3), seed), ([shape, s]) =>
      agree(() => tf.erf(random(shape, s, -5, 5)), { absolute: 3e-7 }),
    );
  });

  test('integers are left to the cpu backend', async () => {
    const x = () => tf.tensor1d([-4, 0, 5], 'int32');
    await agreeExactly(() => [tf.neg(x()), tf.abs(x()), tf.sign(x()), tf.relu(x()), tf.square(x())]);
  });
});

describe('other elementwise kernels agree with the cpu backend', () => {
  test('addN', async () => {
    await holds(fc.tuple(shapeOf(0, 3), seed, fc.integer({ min: 1, max: 5 })), ([shape, s, count]) =>
      agree(() => tf.addN(Array.from({ length: count }, (_, i) => random(shape, s + i))), { absolute: 1e-6 }),
    );
  });

  test('where', async () => {
    await holds(fc.tuple(pair, seed), ([[a, b], s]) =>
      agreeExactly(() => tf.where(tf.greater(random(a, s), 0), random(a, s + 1), random(b, s + 2))),
    );
  });

  test('cast, between all types', async () => {
    const awkward = [...AWKWARD, 3e9, -3e9, 4294967296, 1e20, 2147483647, 0.99];
    for (const to of ['float32', 'int32', 'bool'] as const) {
      await agreeExactly(() => [
        tf.cast(tf.tensor1d(awkward), to),
        tf.cast(tf.tensor2d([[1, 0, -7]], [1, 3], 'int32'), to),
        tf.cast(tf.tensor1d([true, false], 'bool'), to),
        tf.cast(random([200, 211], 3, -9, 9), to),
        tf.cast(tf.tensor2d(new Float32Array(0), [0, 3]), to),
      ]);
    }
  });

  test('values made from nothing', async () => {
    await agreeExactly(() => [
      tf.fill([3, 0], 2.5),
      tf.fill([3, 4], 2.5),
      tf.fill([2], 3, 'int32'),
      tf.zerosLike(random([4, 5], 1)),
      tf.onesLike(random([70, 901], 1)),
      tf.zerosLike(tf.tensor1d([3], 'int32')),
      tf.logicalNot(tf.tensor1d([true, false, true], 'bool')),
    ]);
  });
});

test('wrong arguments of the addon are refused and nothing is written', () => {
  const addon = loadNative();
  const none = new Int32Array(0);
  const [a, b, y] = [numbers(4, 1), numbers(4, 2), new Float32Array(4)];
  expect(() => addon.arithmetic(0, none, a, b.subarray(1), y)).toThrow('shapes: cannot be broadcast');
  expect(() => addon.arithmetic(0, none, a, b, y.subarray(1))).toThrow('y: expected 4 elements, got 3');
  expect(() => addon.arithmetic(99, none, a, b, y)).toThrow('op: expected less than 8, got 99');
  expect(() => addon.arithmetic(0, none, a, b, a)).toThrow('overlaps');
  expect(() => addon.arithmetic(0, Int32Array.of(1, 1, 4, 5), a, b, y)).toThrow('b: expected 5 elements, got 4');
  expect(() => addon.arithmetic(0, Int32Array.of(1, 9, 4), a, b, y)).toThrow('shapes: expected two shapes');
  expect(() => addon.arithmetic(0, Int32Array.of(1, 1, -4, 4), a, b, y)).toThrow('shapes: expected two shapes');
  expect(() => addon.unary(0, a, y.subarray(1), 0, 0)).toThrow('y: expected 4 elements, got 3');
  expect(() => addon.unary(0, none as never, y, 0, 0)).toThrow('expected a Float32Array');
  expect(() => addon.addN([], y)).toThrow('terms: expected at least one');
  expect(() => addon.select(new Uint8Array(3), a, b, y)).toThrow('condition: expected a divisor of 4');
  expect([...y]).toEqual([0, 0, 0, 0]);
});
