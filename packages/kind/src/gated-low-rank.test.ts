import { createGenerator, normal } from '@learngene/random';
import { checkGradient, expectClose, expectNoLeak, useTestBackend } from '@learngene/testing';
import type { NamedTensorMap, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { weighted } from '../test/tiny';
import { gatedBackward, gatedForward } from './gated-composite';
import { gatedLowRank } from './gated-low-rank';
import { softLowRank } from './soft-low-rank';

beforeAll(useTestBackend);

const FORWARD = 'LearngeneGatedLowRank';
const BACKWARD = 'LearngeneGatedLowRankGrad';

/** x [5, 2, 3], learngenes of rank 2 to width 4, two tailors of rank 2. */
function makeInputs(seed = 2): Tensor[] {
  const g = createGenerator(seed);
  const draw = (...shape: number[]) =>
    tf.tensor(
      normal(
        g,
        shape.reduce((a, b) => a * b),
      ),
      shape,
    );
  const tailor = () => [draw(4, 2), draw(2), draw(3, 2)];
  return [draw(5, 2, 3), draw(4, 2), draw(2), draw(3, 2), draw(4), ...tailor(), ...tailor()];
}

/** Samples 1 and 2 use the first tailor, 4 the second, 0 and 3 none. */
function apply(...inputs: Tensor[]): Tensor3D {
  const [x, u, s, v, bias, u0, s0, v0, u1, s1, v1] = inputs;
  const tailors = [
    { u: u0, s: s0, v: v0 },
    { u: u1, s: s1, v: v1 },
  ] as { u: Tensor2D; s: Tensor1D; v: Tensor2D }[];
  return gatedLowRank(x as Tensor3D, { u: u as Tensor2D, s: s as Tensor1D, v: v as Tensor2D, bias: bias as Tensor1D }, [
    { start: 1, end: 3, tailor: tailors[0] },
    { start: 4, end: 5, tailor: tailors[1] },
  ]);
}

describe('gatedLowRank', () => {
  it('is the definition, element by element', () => {
    const inputs = makeInputs();
    const [x, , , , bias] = inputs.map((tensor) => tensor.dataSync());
    // Entry [o, k] of u diag(s) vᵀ for the three tensors from `at` on.
    const entry = (at: number, o: number, k: number) => {
      const [u, s, v] = inputs.slice(at, at + 3).map((tensor) => tensor.dataSync());
      return u[o * 2] * s[0] * v[k * 2] + u[o * 2 + 1] * s[1] * v[k * 2 + 1];
    };
    const own = [0, 5, 5, 0, 8]; // where a sample's tailor starts in the inputs
    const expected = Float32Array.from({ length: 5 * 2 * 4 }, (_, at) => {
      const [row, o] = [Math.floor(at / 4), at % 4];
      const tailor = own[Math.floor(row / 2)];
      const weight = (k: number) => entry(1, o, k) + (tailor ? entry(tailor, o, k) : 0);
      return [0, 1, 2].reduce((sum, k) => sum + weight(k) * x[row * 3 + k], bias[o]);
    });
    expectClose(apply(...inputs), expected, { rtol: 1e-5, atol: 1e-5 });
  });

  it('has the gradients of finite differences in every input', () => checkGradient(apply, makeInputs()));

  it('needs neither bias nor tailors', () => {
    const [x, u, s, v, , u0, s0, v0] = makeInputs() as [Tensor3D, ...Tensor[]];
    const f = (...[a, b, c, d]: Tensor[]) =>
      gatedLowRank(a as Tensor3D, { u: b as Tensor2D, s: c as Tensor1D, v: d as Tensor2D }, []);
    checkGradient(f, [x, u, s, v]);
    const all = (...[a, b, c, d, e, h, i]: Tensor[]) =>
      gatedLowRank(a as Tensor3D, { u: b as Tensor2D, s: c as Tensor1D, v: d as Tensor2D }, [
        { start: 0, end: 5, tailor: { u: e as Tensor2D, s: h as Tensor1D, v: i as Tensor2D } },
      ]);
    checkGradient(all, [x, u, s, v, u0, s0, v0]);
  });

  it('rejects overlapping segments, a tailor twice and shapes that do not go together', () => {
    const [x, u, s, v, , u0, s0, v0] = makeInputs() as [Tensor3D, Tensor2D, Tensor1D, Tensor2D, ...Tensor[]];
    const tailor = { u: u0 as Tensor2D, s: s0 as Tensor1D, v: v0 as Tensor2D };
    const run = (...runs: [number, number][]) =>
      gatedLowRank(
        x,
        { u, s, v },
        runs.map(([start, end]) => ({ start, end, tailor })),
      );
    expect(() => run([0, 2], [1, 3])).toThrow('segments[1]: expected a run within [2, 5), got [1, 3)');
    expect(() => run([0, 6])).toThrow('segments[0]');
    expect(() => run([2, 2])).toThrow('segments[0]');
    expect(() => run([0, 1], [2, 3])).toThrow('segments[1].tailor: expected one segment a tailor');
    expect(() => gatedLowRank(x, { u: v, s, v: u }, [])).toThrow('x');
  });

  it('leaks nothing, with a gradient', () =>
    expectNoLeak(() => {
      const inputs = makeInputs();
      const { value, grads } = tf.valueAndGrads((...xs: Tensor[]) => weighted(apply(...xs)))(inputs);
      for (const tensor of [...inputs, value, ...grads]) tensor.dispose();
    }));
});

describe("a backend's kernels", () => {
  const calls: { name: string; inputs: string[]; attrs: object }[] = [];

  afterEach(() => {
    for (const name of [FORWARD, BACKWARD]) {
      if (tf.getKernel(name, tf.getBackend())) tf.unregisterKernel(name, tf.getBackend());
    }
    calls.length = 0;
  });

  /** Kernels made of the composite itself; y is followed by the hidden rows as state. */
  function register(names: readonly string[]) {
    const track = (name: string, inputs: NamedTensorMap, attrs: object) =>
      calls.push({ name, inputs: Object.keys(inputs), attrs });
    const spansOf = (attrs: { starts: number[]; ends: number[] }, T: number) =>
      attrs.starts.map((start, i) => ({ start: start * T, end: attrs.ends[i] * T }));
    const kernels: Record<string, (inputs: NamedTensorMap, attrs: { starts: number[]; ends: number[] }) => Tensor[]> = {
      [FORWARD]: ({ x, u, s, v, bias, ...rest }, attrs) => {
        const [N, T, width] = x.shape;
        const tailors = attrs.starts.map((_, i) => ({ u: rest[`u${i}`], s: rest[`s${i}`], v: rest[`v${i}`] }));
        const { y, hidden } = gatedForward(tf.reshape(x, [N * T, width]), { u, s, v, bias } as never, {
          tailors: tailors as never,
          spans: spansOf(attrs, T),
        });
        return [tf.reshape(y, [N, T, u.shape[0]]), ...hidden];
      },
      [BACKWARD]: ({ dy, ...rest }, attrs) => {
        const state = Object.keys(rest).filter((name) => name.startsWith('state'));
        const held = Object.fromEntries(Object.entries(rest).filter(([name]) => !state.includes(name)));
        const spans = spansOf(attrs, dy.shape[1]!);
        const grads = gatedBackward(dy, held, { hidden: state.map((name) => rest[name]), spans });
        return Object.keys(held).map((name) => grads[name]());
      },
    };
    for (const name of names) {
      tf.registerKernel({
        kernelName: name,
        backendName: tf.getBackend(),
        kernelFunc: ({ inputs, attrs }) => {
          track(name, inputs as NamedTensorMap, { ...attrs });
          return kernels[name](inputs as NamedTensorMap, attrs as never);
        },
      });
    }
  }

  it.each([[[FORWARD, BACKWARD]], [[FORWARD]]])('are called, %s, and agree with the composite', (names) => {
    const inputs = makeInputs();
    const run = () => tf.valueAndGrads((...xs: Tensor[]) => weighted(apply(...xs)))(inputs);
    const plain = run();
    register(names);
    const fused = run();
    expect(calls.map(({ name }) => name)).toEqual(names);
    const all = ['x', 'u', 's', 'v', 'bias', 'u0', 's0', 'v0', 'u1', 's1', 'v1'];
    expect(calls[0].inputs).toEqual(all);
    expect(calls[0].attrs).toEqual({ starts: [1, 4], ends: [3, 5] });
    if (names.length === 2) expect(calls[1].inputs).toEqual(['dy', ...all, 'state0', 'state1', 'state2']);
    expectClose(fused.value, plain.value);
    for (const [i, grad] of fused.grads.entries()) expectClose(grad, plain.grads[i]);
  });
});

describe('softLowRank', () => {
  it('has the gradients of finite differences, and skips groups without components', () => {
    const [x, u, s, v, bias, ...rest] = makeInputs();
    const alpha = tf.softmax(tf.tensor2d(normal(createGenerator(4), 15), [5, 3]));
    const f = (...[a, u0, s0, v0, u1, s1, v1, weights]: Tensor[]) =>
      softLowRank(a as Tensor3D, { u, s, v, bias } as never, {
        tailors: [{ u: u0, s: s0, v: v0 }, undefined, { u: u1, s: s1, v: v1 }] as never,
        alpha: weights as Tensor2D,
      });
    checkGradient(f, [x, ...rest, alpha]);
    const none = softLowRank(x as Tensor3D, { u, s, v, bias } as never, {
      tailors: [undefined],
      alpha: tf.ones([5, 1]),
    });
    expectClose(none, gatedLowRank(x as Tensor3D, { u, s, v, bias } as never, []), { rtol: 1e-5 });
  });
});
