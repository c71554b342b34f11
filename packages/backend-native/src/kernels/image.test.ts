import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agree, agreeExactly, holds, integers, random } from '../../test/against-cpu';
import { loadNative } from '../native';

type Pool = (x: tf.Tensor) => tf.Tensor;

const image = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  height: fc.integer({ min: 1, max: 9 }),
  width: fc.integer({ min: 1, max: 9 }),
  channels: fc.constantFrom(1, 3, 17),
  seed: fc.nat(1e6),
});
const window = fc.record({
  kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  pad: fc.constantFrom<'same' | 'valid'>('same', 'valid'),
});
const fitting = fc.tuple(image, window).filter(
  ([
    { height, width },
    {
      kernel: [h, w],
    },
  ]) => h <= height && w <= width,
);

/** The gradient by x of Σ f(x) dy. */
function gradient(f: Pool, x: tf.Tensor, seed: number): tf.Tensor {
  return tf.grad(f)(x, random(f(x).shape, seed));
}

/** Central differences of Σ f(x) dy by every element of x; exact up to rounding where f is linear. */
function differences(f: Pool, x: tf.Tensor, seed: number): Float32Array {
  const values = x.dataSync();
  const dy = random(f(x).shape, seed);
  const loss = (i: number, step: number) => {
    const moved = Float32Array.from(values);
    moved[i] += step;
    return tf.sum(tf.mul(f(tf.tensor(moved, x.shape)), dy)).dataSync()[0];
  };
  return Float32Array.from(values, (_, i) => (loss(i, 1) - loss(i, -1)) / 2);
}

function expectNear(got: ArrayLike<number>, want: Float32Array): void {
  for (const [i, value] of want.entries()) expect(got[i]).toBeCloseTo(value, 4);
}

describe('pooling', () => {
  test('values and the gradient of the largest agree with the cpu backend', async () => {
    await holds(fitting, ([{ batch, height, width, channels, seed }, { kernel, stride, pad }]) =>
      agree(
        () => {
          const x = integers([batch, height, width, channels], seed, -9, 9);
          const max: Pool = (x) => tf.maxPool(x as tf.Tensor4D, kernel, stride, pad);
          const mean: Pool = (x) => tf.avgPool(x as tf.Tensor4D, kernel, stride, pad);
          return [max(x), mean(x), gradient(max, x, seed + 1)];
        },
        { relative: 1e-6, absolute: 1e-5 },
      ),
    );
  });

  test('the gradient of means agrees without padding, and is the exact one with it', async () => {
    await holds(fitting, ([{ batch, height, width, channels, seed }, { kernel, stride }]) =>
      agree(
        () => {
          const x = random([batch, height, width, channels], seed);
          return gradient((x) => tf.avgPool(x as tf.Tensor4D, kernel, stride, 'valid'), x, seed + 1);
        },
        { relative: 1e-6, absolute: 1e-5 },
      ),
    );
    await tf.setBackend('native');
    tf.tidy(() => {
      const x = random([1, 5, 4, 2], 1);
      const mean: Pool = (x) => tf.avgPool(x as tf.Tensor4D, 3, 2, 'same');
      const want = differences(mean, x, 2);
      expectNear(gradient(mean, x, 2).dataSync(), want);
    });
  });
});

describe('resizing', () => {
  const modes = fc.constantFrom([false, false], [true, false], [false, true]);
  const target = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }));

  test('values agree with the cpu backend', async () => {
    await holds(fc.tuple(image, target, modes), ([{ batch, height, width, channels, seed }, to, [corners, centres]]) =>
      agree(
        () => {
          const x = random([batch, height, width, channels], seed) as tf.Tensor4D;
          return [
            tf.image.resizeBilinear(x, to, corners, centres),
            tf.image.resizeNearestNeighbor(x, to, corners, centres),
          ];
        },
        { absolute: 2e-6 },
      ),
    );
  });

  // The cpu backend exchanges height and width in the shape of this gradient: square images only.
  test('the gradient of the bilinear one agrees', async () => {
    await holds(fc.tuple(image, target, fc.boolean()), ([{ batch, height, channels, seed }, to, corners]) =>
      agree(
        () => {
          const x = random([batch, height, height, channels], seed);
          return gradient((x) => tf.image.resizeBilinear(x as tf.Tensor4D, to, corners), x, seed + 1);
        },
        { absolute: 2e-5 },
      ),
    );
  });

  test('gradients are exact for all rules', async () => {
    await tf.setBackend('native');
    for (const [corners, centres] of [
      [false, false],
      [true, false],
      [false, true],
    ]) {
      for (const resize of [tf.image.resizeBilinear, tf.image.resizeNearestNeighbor]) {
        tf.tidy(() => {
          const x = random([1, 3, 4, 2], 1);
          const f: Pool = (x) => resize(x as tf.Tensor4D, [5, 2], corners, centres);
          const want = differences(f, x, 2);
          expectNear(gradient(f, x, 2).dataSync(), want);
        });
      }
    }
  });

  test('integers are left to the cpu backend', async () => {
    await agreeExactly(() => tf.image.resizeNearestNeighbor(tf.ones([2, 2, 2, 1], 'int32') as tf.Tensor4D, [3, 3]));
  });
});

test('batch norm agrees with the cpu backend, whatever is left out', async () => {
  await holds(image, ({ batch, height, width, channels, seed }) =>
    agree(
      () => {
        const x = random([batch, height, width, channels], seed) as tf.Tensor4D;
        const row = (i: number) => random([channels], seed + i, 0.5, 2) as tf.Tensor1D;
        return [
          tf.batchNorm(x, row(1), row(2), row(3), row(4), 1e-3),
          tf.batchNorm(x, row(1), row(2)),
          tf.batchNorm(x, row(1), row(2), row(3)),
          tf.batchNorm(x, random(x.shape, 5) as tf.Tensor4D, random(x.shape, 6, 1, 2) as tf.Tensor4D),
        ];
      },
      { relative: 3e-6, absolute: 3e-6 },
    ),
  );
});

describe('group norm', () => {
  const EPSILON = 1e-5;

  const after = { linear: (y: tf.Tensor) => y, relu: tf.relu, silu: (y: tf.Tensor) => tf.mul(y, tf.sigmoid(y)) };
  type Activation = keyof typeof after;

  /** The specification: x [N, S, C]. */
  function composite(
    x: tf.Tensor,
    weight: tf.Tensor,
    bias: tf.Tensor,
    { groups, activation }: { groups: number; activation: Activation },
  ): tf.Tensor {
    const [N, S, C] = x.shape;
    const grouped = tf.reshape(x, [N, S, groups, C / groups]);
    const { mean, variance } = tf.moments(grouped, [1, 3], true);
    const scaled = tf.div(tf.sub(grouped, mean), tf.sqrt(tf.add(variance, EPSILON)));
    return after[activation](tf.add(tf.mul(tf.reshape(scaled, x.shape), weight), bias));
  }

  test.each(Object.keys(after) as Activation[])(
    'value and gradients are those of the composite, %s',
    async (activation) => {
      const sizes = fc.tuple(
        fc.constantFrom(1, 2, 3),
        fc.constantFrom(2, 7, 64, 300),
        fc.constantFrom(1, 2, 4),
        fc.nat(1e6),
      );
      await holds(sizes, async ([N, S, groups, seed]) => {
        const C = 8;
        const make = () => [
          random([N, S, C], seed),
          random([C], seed + 1),
          random([C], seed + 2),
          random([N, S, C], seed + 3),
        ];
        await tf.setBackend('cpu');
        const want = tf.tidy(() => {
          const [x, weight, bias, dy] = make();
          const f = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
            composite(x, weight, bias, { groups, activation });
          return [f(x, weight, bias), ...tf.grads(f)([x, weight, bias], dy)].map((t) =>
            Array.from(t.dataSync()),
          ) as never;
        }) as unknown as number[][];
        await tf.setBackend('native');
        const got = tf.tidy(() => {
          const [x, weight, bias, dy] = make();
          const kernel = (name: string, inputs: Record<string, tf.Tensor>, attrs: tf.NamedAttrMap) =>
            tf.engine().runKernel(name, inputs, attrs) as unknown as tf.Tensor[];
          const attrs = { groups, eps: EPSILON, activation };
          const [y, state0, state1] = kernel('LearngeneGroupNorm', { x, weight, bias }, attrs);
          const grads = kernel('LearngeneGroupNormGrad', { x, dy, weight, bias, state0, state1 }, attrs);
          return [y, ...grads].map((t) => Array.from(t.dataSync())) as never;
        }) as unknown as number[][];
        for (const [i, values] of want.entries()) {
          const norm = Math.hypot(...values);
          const error = Math.hypot(...values.map((value, j) => value - got[i][j]));
          expect(error).toBeLessThanOrEqual(1e-5 * norm + 1e-5);
        }
      });
    },
  );

  test('groups that do not divide the channels are refused', () => {
    const addon = loadNative();
    const [x, row, one] = [new Float32Array(12), new Float32Array(6), new Float32Array(4)];
    expect(() => addon.groupNorm(x, row, row, new Float32Array(12), one, one.slice(), 2, 4, 1e-5, 0)).toThrow(
      'groups: expected a divisor of 6, got 4',
    );
    expect(() => addon.groupNorm(x, row, row, x, one, one.slice(), 2, 2, 1e-5, 0)).toThrow('overlaps');
    const y = new Float32Array(12);
    expect(() => addon.groupNorm(x, row, row, y, one, one.slice(), 2, 2, 1e-5, 3)).toThrow('less than 3, got 3');
  });
});
