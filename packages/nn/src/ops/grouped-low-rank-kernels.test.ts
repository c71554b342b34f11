import { expectClose, useTestBackend } from '@learngene/testing';
import type { NamedTensorMap, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it as test } from 'vitest';
import { normals } from '../../test/setup';
import { valueAndGrad } from '../value-and-grad';
import { groupedLowRank } from './grouped-low-rank';
import { groupedBackward, groupedForward } from './grouped-low-rank-composite';

beforeAll(useTestBackend);

interface Attrs {
  starts: number[];
  ends: number[];
  common?: boolean;
}

const FORWARD = 'LearngeneGroupedLowRank';
const BACKWARD = 'LearngeneGroupedLowRankGrad';

/** x [5, 2, 3], learngenes of rank 2 to width 4, two tailors of rank 2. */
function makeInputs(seed = 2): Tensor[] {
  const draw = normals(seed);
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
  const common = u && { u: u as Tensor2D, s: s as Tensor1D, v: v as Tensor2D, bias: bias as Tensor1D };
  const segments = [
    { start: 1, end: 3, factors: tailors[0] },
    { start: 4, end: 5, factors: tailors[1] },
  ];
  return groupedLowRank(x as Tensor3D, { common, segments });
}

/** {@link apply} without common factors. */
function applyOwn(x: Tensor, ...own: Tensor[]): Tensor3D {
  return apply(x, ...([undefined, undefined, undefined, undefined] as unknown as Tensor[]), ...own);
}

/** Fixed weights that make a scalar of an output. */
function weighted(y: Tensor): tf.Scalar {
  const w = Float32Array.from({ length: y.size }, (_, i) => Math.sin(12.9898 * (i + 1)));
  return tf.sum(tf.mul(y, tf.tensor(w, y.shape))) as tf.Scalar;
}

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
    const spansOf = (attrs: Attrs, T: number) =>
      attrs.starts.map((start, i) => ({ start: start * T, end: attrs.ends[i] * T }));
    const kernels: Record<string, (inputs: NamedTensorMap, attrs: Attrs) => Tensor[]> = {
      [FORWARD]: ({ x, u, s, v, bias, ...rest }, attrs) => {
        const [N, T, width] = x.shape;
        const tailors = attrs.starts.map((_, i) => ({ u: rest[`u${i}`], s: rest[`s${i}`], v: rest[`v${i}`] }));
        const { y, hidden } = groupedForward(tf.reshape(x, [N * T, width]), {
          common: { u, s, v, bias } as never,
          own: tailors as never,
          spans: spansOf(attrs, T),
        });
        return [tf.reshape(y, [N, T, u.shape[0]]), ...hidden];
      },
      [BACKWARD]: ({ dy, ...rest }, attrs) => {
        const state = Object.keys(rest).filter((name) => name.startsWith('state'));
        const held = Object.fromEntries(Object.entries(rest).filter(([name]) => !state.includes(name)));
        const spans = spansOf(attrs, dy.shape[1]!);
        const grads = groupedBackward(dy, held, { hidden: state.map((name) => rest[name]), spans });
        const given = Object.keys(held).filter((name) => attrs.common || !['u', 's', 'v'].includes(name));
        return given.map((name) => grads[name]());
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

  test.each([[[FORWARD, BACKWARD]], [[FORWARD]]])('are called, %s, and agree with the composite', (names) => {
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

  test('get zeros in the place of common factors where there are none', () => {
    const [x, , , , , ...own] = makeInputs();
    const run = () => tf.valueAndGrads((...xs: Tensor[]) => weighted(applyOwn(xs[0], ...xs.slice(1))))([x, ...own]);
    const plain = run();
    register([FORWARD, BACKWARD]);
    const fused = run();
    expect(calls.map(({ inputs }) => inputs.join(' '))).toEqual([
      'x u s v u0 s0 v0 u1 s1 v1',
      'dy x u s v u0 s0 v0 u1 s1 v1 state0 state1 state2',
    ]);
    expectClose(fused.value, plain.value);
    for (const [i, grad] of fused.grads.entries()) expectClose(grad, plain.grads[i]);
  });

  test('are not asked for the gradients of frozen learngenes', () => {
    register([FORWARD, BACKWARD]);
    const [x, u, s, v, bias, ...tailors] = makeInputs();
    const names = ['u0', 's0', 'v0', 'u1', 's1', 'v1'];
    const leaves = Object.fromEntries(tailors.map((tensor, i) => [names[i], tensor]));
    const run = () =>
      valueAndGrad((p: typeof leaves) => weighted(apply(x, u, s, v, bias, ...names.map((name) => p[name]))), leaves);
    const { grads } = run();
    expect(calls[1].attrs).toEqual({ starts: [1, 4], ends: [3, 5], common: false });
    for (const name of [FORWARD, BACKWARD]) tf.unregisterKernel(name, tf.getBackend());
    const plain = run();
    for (const name of names) expectClose(grads[name], plain.grads[name]);
  });
});
