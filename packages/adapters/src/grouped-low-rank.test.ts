import { createGenerator, normal } from '@learngene/random';
import type { FactoredParams } from '@learngene/tensor-svd';
import { expectClose, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { weighted } from '../test/tiny';
import { groupedLowRank } from './grouped-low-rank';

const backend = await useTestBackend();
beforeAll(useTestBackend);

const FORWARD = 'LearngeneGatedLowRank';
const BACKWARD = 'LearngeneGatedLowRankGrad';

type Attrs = { starts: number[]; ends: number[] };

/** x [5, 2, 3], common factors of rank 2 to width 4 and a bias, two segments' factors of rank 2. */
function makeInputs(): tf.Tensor[] {
  const g = createGenerator(2);
  const draw = (...shape: number[]) =>
    tf.tensor(
      normal(
        g,
        shape.reduce((a, b) => a * b),
      ),
      shape,
    );
  const own = () => [draw(4, 2), draw(2), draw(3, 2)];
  return [draw(5, 2, 3), ...own(), draw(4), ...own(), ...own()];
}

function apply(withCommon: boolean, ...inputs: tf.Tensor[]): tf.Tensor {
  const [x, u, s, v, bias, u0, s0, v0, u1, s1, v1] = inputs;
  const segments = [
    { start: 0, end: 1 },
    { start: 1, end: 3, factors: { u: u0, s: s0, v: v0 } as FactoredParams },
    { start: 3, end: 5, factors: { u: u1, s: s1, v: v1 } as FactoredParams },
  ];
  return groupedLowRank(x as tf.Tensor3D, segments, withCommon ? ({ u, s, v, bias } as FactoredParams) : undefined)!;
}

/** The layer in plain ops, on the values of a kernel's inputs. */
function plain(inputs: tf.NamedTensorMap, { starts, ends }: Attrs): tf.Tensor {
  const product = (x: tf.Tensor, u: tf.Tensor, s: tf.Tensor, v: tf.Tensor) => {
    const rows = tf.reshape(x, [-1, x.shape[2] as number]);
    const y = tf.matMul(tf.mul(tf.matMul(rows, v as tf.Tensor2D), s) as tf.Tensor2D, u as tf.Tensor2D, false, true);
    return tf.reshape(y, [x.shape[0], x.shape[1] as number, -1]);
  };
  const { x, u, s, v, bias } = inputs;
  const own = starts.map((start, i) => {
    const part = product(
      tf.slice(x, start, ends[i] - start),
      inputs[`u${i}`],
      inputs[`s${i}`],
      inputs[`v${i}`],
    ) as tf.Tensor3D;
    return tf.pad(part, [
      [start, x.shape[0] - ends[i]],
      [0, 0],
      [0, 0],
    ]);
  });
  const y = tf.addN([product(x, u, s, v), ...own]);
  return bias ? tf.add(y, bias) : y;
}

/** Gradients of {@link plain} in the order of its inputs; a kernel runs off the tape. */
function plainGradients(dy: tf.Tensor, inputs: tf.NamedTensorMap, { starts, ends }: Attrs): tf.Tensor[] {
  const { x, bias } = inputs;
  const flat = (t: tf.Tensor) => tf.reshape(t, [-1, t.shape[2] as number]) as tf.Tensor2D;
  const of = (start: number, end: number, [u, s, v]: tf.Tensor[]) => {
    const [xs, d] = [x, dy].map((t) => flat(tf.slice(t, start, end - start)));
    const [h, g] = [tf.matMul(xs, v as tf.Tensor2D), tf.matMul(d, u as tf.Tensor2D)];
    const gs = tf.mul(g, s) as tf.Tensor2D;
    const dx = tf.reshape(tf.matMul(gs, v as tf.Tensor2D, false, true), [
      end - start,
      x.shape[1] as number,
      -1,
    ]) as tf.Tensor3D;
    const padded = tf.pad(dx, [
      [start, x.shape[0] - end],
      [0, 0],
      [0, 0],
    ]);
    const du = tf.matMul(d, tf.mul(h, s) as tf.Tensor2D, true);
    return { dx: padded, factors: [du, tf.sum(tf.mul(g, h), 0), tf.matMul(xs, gs, true)] };
  };
  const common = of(0, x.shape[0], [inputs.u, inputs.s, inputs.v]);
  const own = starts.map((start, i) => of(start, ends[i], [inputs[`u${i}`], inputs[`s${i}`], inputs[`v${i}`]]));
  const dx = tf.addN([common, ...own].map((part) => part.dx));
  const dbias = bias ? [tf.sum(flat(dy), 0)] : [];
  return [dx, ...common.factors, ...dbias, ...own.flatMap((part) => part.factors)];
}

describe("a backend's kernels", () => {
  const calls: string[] = [];

  afterEach(() => {
    for (const kernelName of [FORWARD, BACKWARD]) tf.unregisterKernel(kernelName, backend);
    calls.length = 0;
  });

  function register(): void {
    tf.registerKernel({
      kernelName: FORWARD,
      backendName: backend,
      kernelFunc: ({ inputs, attrs }) => {
        calls.push(`${FORWARD} ${Object.keys(inputs).join(' ')} ${JSON.stringify(attrs)}`);
        return [plain(inputs as tf.NamedTensorMap, attrs as unknown as Attrs), tf.scalar(7)];
      },
    });
    tf.registerKernel({
      kernelName: BACKWARD,
      backendName: backend,
      kernelFunc: ({ inputs, attrs }) => {
        const { dy, state0, ...rest } = inputs as tf.NamedTensorMap;
        calls.push(`${BACKWARD} ${state0.dataSync()[0]}`);
        return plainGradients(dy, rest, attrs as unknown as Attrs);
      },
    });
  }

  it.each([true, false])('give what the composite gives, common factors: %s', (withCommon) => {
    if (tf.getKernel(FORWARD, backend)) return; // A backend with kernels of its own is tested by the other tests.
    tf.tidy(() => {
      const inputs = makeInputs();
      const wanted = withCommon ? inputs : [inputs[0], ...inputs.slice(5)];
      const gradients = () => {
        const { value, grads } = tf.engine().gradients(() => weighted(apply(withCommon, ...inputs)), wanted);
        return [value, ...grads];
      };
      const expected = gradients();
      register();
      const got = gradients();
      for (const [i, tensor] of got.entries()) expectClose(tensor, expected[i], { atol: 1e-5 });
    });
    const names = withCommon ? 'x u s v bias u0 s0 v0 u1 s1 v1' : 'x u s v u0 s0 v0 u1 s1 v1';
    expect(calls).toEqual([`${FORWARD} ${names} {"starts":[1,3],"ends":[3,5]}`, `${BACKWARD} 7`]);
  });
});

it('is nothing without factors', () => {
  tf.tidy(() => {
    const x = tf.zeros<tf.Rank.R3>([2, 1, 3]);
    const segments = [
      { start: 0, end: 1 },
      { start: 1, end: 2 },
    ];
    expect(groupedLowRank(x, segments)).toBeUndefined();
    expect(groupedLowRank(x, [{ start: 0, end: 2 }])).toBeUndefined();
  });
});
