import { expectClose, useTestBackend } from '@learngene/testing';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { normals } from '../../test/setup';
import { valueAndGrad } from '../value-and-grad';
import { groupedLowRank, type LowRankFactors } from './grouped-low-rank';
import { groupedLowRankTogether, type TogetherLayer } from './grouped-low-rank-together';

beforeAll(useTestBackend);

type Params = Record<string, { common?: LowRankFactors & { bias?: Tensor1D }; own: LowRankFactors[] }>;

interface Case {
  readonly samples: number;
  readonly tokens: number;
  readonly width: number;
  readonly outs: readonly number[];
  readonly rank: number;
  readonly bounds: readonly (readonly [number, number])[];
  readonly common?: boolean;
  readonly bias?: boolean;
}

const cases: readonly (readonly [string, Case])[] = [
  [
    'segments of some samples',
    {
      samples: 6,
      tokens: 3,
      width: 5,
      outs: [4, 7, 4],
      rank: 3,
      bounds: [
        [1, 3],
        [4, 6],
      ],
    },
  ],
  [
    'rows enough to be swept',
    {
      samples: 40,
      tokens: 16,
      width: 20,
      outs: [24, 33],
      rank: 9,
      bounds: [
        [0, 17],
        [17, 40],
      ],
    },
  ],
  ['no segments, no biases', { samples: 4, tokens: 2, width: 5, outs: [3, 3], rank: 2, bounds: [], bias: false }],
  ['no common factors', { samples: 4, tokens: 2, width: 5, outs: [3, 6], rank: 2, bounds: [[0, 4]], common: false }],
];

function factors(draw: ReturnType<typeof normals>, out: number, width: number, rank: number): LowRankFactors {
  return { u: draw(out, rank) as Tensor2D, s: draw(rank) as Tensor1D, v: draw(width, rank) as Tensor2D };
}

function make({ samples, tokens, width, outs, rank, bounds, common = true, bias = true }: Case) {
  const draw = normals(3);
  const params: Params = {};
  for (const [i, out] of outs.entries()) {
    const all = { ...factors(draw, out, width, rank), ...(bias && { bias: draw(out) as Tensor1D }) };
    params[`layer${i}`] = { ...(common && { common: all }), own: bounds.map(() => factors(draw, out, width, 2)) };
  }
  return { x: draw(samples, tokens, width) as Tensor3D, params };
}

function layersOf(params: Params, bounds: Case['bounds']): TogetherLayer[] {
  return Object.values(params).map(({ common, own }) => ({
    common,
    segments: bounds.map(([start, end], i) => ({ start, end, factors: own[i] })),
  }));
}

/** Fixed weights that make a scalar of the outputs, other ones for each. */
function weighted(ys: readonly Tensor[]): tf.Scalar {
  const sums = ys.map((y, k) => {
    const w = Float32Array.from({ length: y.size }, (_, i) => Math.sin(12.9898 * (i + 1 + 100 * k)));
    return tf.sum(tf.mul(y, tf.tensor(w, y.shape)));
  });
  return tf.addN(sums) as tf.Scalar;
}

describe('layers of one input', () => {
  test.each(cases)('have the results and gradients of so many ops: %s', (_, given) => {
    const { x, params } = make(given);
    const loss =
      (apply: (x: Tensor3D, layers: TogetherLayer[]) => Tensor[]) => (tree: { x: Tensor3D; params: Params }) =>
        weighted(apply(tree.x, layersOf(tree.params, given.bounds)));
    const tree = { x, params };
    const got = valueAndGrad(loss(groupedLowRankTogether) as never, tree as never) as unknown as Result;
    const apart = (x: Tensor3D, layers: TogetherLayer[]) => layers.map((layer) => groupedLowRank(x, layer));
    const want = valueAndGrad(loss(apart) as never, tree as never) as unknown as Result;
    expectClose(got.value, want.value, { rtol: 1e-4, atol: 1e-3 });
    const [gots, wants] = [got, want].map(({ grads }) => leavesOf(grads));
    expect(gots.length).toBe(wants.length);
    for (const [i, leaf] of gots.entries()) expectClose(leaf, wants[i], { rtol: 1e-4, atol: 1e-3 });
  });
});

interface Result {
  value: Tensor;
  grads: unknown;
}

function leavesOf(tree: unknown): Tensor[] {
  if (tree instanceof tf.Tensor) return [tree];
  return tree && typeof tree === 'object' ? Object.values(tree).flatMap(leavesOf) : [];
}
