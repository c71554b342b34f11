import { checkGradient, expectClose, expectNoLeak } from '@learngene/testing';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { withPlainKernels } from '../../test/register-plain';
import { normals, useNnBackend } from '../../test/setup';
import { gatedResidual, gelu, linear, residualLinear, residualMlp } from '../index';

beforeAll(useNnBackend);

const random = normals(5);
type Op = (...x: Tensor[]) => Tensor;

/** Each op, the ops it is made of, its inputs, and the kernels it uses where a backend has them. */
const cases: Record<string, { f: Op; parts: Op; inputs: () => Tensor[]; kernels: string[] }> = {
  residualLinear: {
    f: (x, gate, input, weight, bias) =>
      residualLinear(
        { x: x as Tensor3D, gate: gate as Tensor2D, input: input as Tensor3D },
        { weight: weight as Tensor2D, bias: bias as Tensor1D },
      ),
    parts: (x, gate, input, weight, bias) =>
      gatedResidual(
        x as Tensor3D,
        gate as Tensor2D,
        linear(input, weight as Tensor2D, bias as Tensor1D | undefined) as Tensor3D,
      ),
    inputs: () => [random(2, 3, 4), random(2, 4), random(2, 3, 5), random(4, 5), random(4)],
    kernels: ['LearngeneLinearGatedResidual'],
  },
  residualMlp: {
    f: (x, gate, input, w1, b1, w2, b2) =>
      residualMlp(
        { x: x as Tensor3D, gate: gate as Tensor2D, input: input as Tensor3D },
        {
          in: { weight: w1 as Tensor2D, bias: b1 as Tensor1D },
          out: { weight: w2 as Tensor2D, bias: b2 as Tensor1D },
        },
      ),
    parts: (x, gate, input, w1, b1, w2, b2) => {
      const hidden = gelu(linear(input, w1 as Tensor2D, b1 as Tensor1D));
      return gatedResidual(x as Tensor3D, gate as Tensor2D, linear(hidden, w2 as Tensor2D, b2 as Tensor1D) as Tensor3D);
    },
    inputs: () => [random(2, 3, 4), random(2, 4), random(2, 3, 5), random(6, 5), random(6), random(4, 6), random(4)],
    kernels: ['LearngeneLinearGelu', 'LearngeneLinearGeluInputGrad', 'LearngeneLinearGatedResidual'],
  },
};

/** Runs on the test backend, and with the kernels of the seam on cpu. */
async function bothWays(work: () => void): Promise<string[]> {
  work();
  const backend = tf.getBackend();
  await tf.setBackend('cpu');
  try {
    return withPlainKernels(work);
  } finally {
    await tf.setBackend(backend);
  }
}

describe.each(Object.entries(cases))('%s', (_, { f, parts, inputs, kernels }) => {
  const compare = (): void =>
    tf.tidy(() => {
      const xs = inputs();
      const dy = random(...xs[0].shape);
      const [actual, expected] = [f, parts].map((op) => tf.engine().gradients(() => op(...xs), xs, dy));
      expectClose(actual.value, expected.value, { rtol: 1e-4, atol: 1e-5 });
      for (const i of xs.keys()) expectClose(actual.grads[i], expected.grads[i], { rtol: 1e-4, atol: 1e-5 });
    });

  test('is the ops it is made of', async () => {
    expect(await bothWays(compare)).toEqual(expect.arrayContaining(kernels));
  });

  test('has the gradients of finite differences', async () => {
    await bothWays(() => tf.tidy(() => checkGradient(f, inputs())));
  });

  test('leaks nothing', () => expectNoLeak(compare));
});

test('layers without biases', () =>
  void bothWays(() =>
    tf.tidy(() => {
      const [x, gate, input] = [random<tf.Rank.R3>(1, 2, 4), random<tf.Rank.R2>(1, 4), random<tf.Rank.R3>(1, 2, 5)];
      const [weight, out] = [random<tf.Rank.R2>(4, 5), random<tf.Rank.R2>(4, 4)];
      expectClose(residualLinear({ x, gate, input }, { weight }), cases.residualLinear.parts(x, gate, input, weight), {
        rtol: 1e-4,
        atol: 1e-5,
      });
      const hidden = gelu(linear(input, weight));
      const mlp = residualMlp({ x, gate, input }, { in: { weight }, out: { weight: out } });
      expectClose(mlp, gatedResidual(x, gate, linear(hidden, out) as Tensor3D), { rtol: 1e-4, atol: 1e-5 });
    }),
  ));

test('says which shapes it wants', async () => {
  await bothWays(() =>
    tf.tidy(() => {
      const [x, gate, input] = [random<tf.Rank.R3>(1, 2, 4), random<tf.Rank.R2>(1, 4), random<tf.Rank.R3>(1, 2, 5)];
      expect(() => residualLinear({ x, gate, input }, { weight: random<tf.Rank.R2>(3, 5) })).toThrow('expected');
      expect(() =>
        residualMlp({ x, gate, input }, { in: { weight: random(6, 4) }, out: { weight: random(4, 6) } }),
      ).toThrow('expected');
    }),
  );
});
