import { checkGradient, expectClose, expectNoLeak, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { normals } from '../../test/setup';
import { flattenParams } from '../tree';
import { valueAndGrad } from '../value-and-grad';
import { applyEpilogue, type Epilogue } from './epilogue';
import { type GroupedLowRank, groupedLowRank, type LowRankFactors } from './grouped-low-rank';
import { matmulNN, matmulNT } from './matmul';

type Common = NonNullable<GroupedLowRank['common']>;

beforeAll(useTestBackend);

const draw = normals(1);
const tailorOf = (out: number, width: number, rank: number) =>
  ({ u: draw(out, rank), s: draw(rank), v: draw(width, rank) }) as LowRankFactors;
const layerOf = (out: number, width: number, rank: number) =>
  ({ ...tailorOf(out, width, rank), bias: draw(out) }) as Common;

/** The naive layer: every tailor over every sample, times a 0/1 mask. */
function masked(x: tf.Tensor, f: Common, tailors: readonly LowRankFactors[], gate: tf.Tensor): tf.Tensor {
  const [N, T, width] = x.shape;
  const rows = tf.reshape(x, [N * T, width]) as tf.Tensor2D;
  const lowRank = ({ u, s, v }: LowRankFactors) => matmulNT(tf.mul(matmulNN(rows, v), s) as tf.Tensor2D, u);
  let y = tf.reshape(tf.add(lowRank(f), f.bias!), [N, T, -1]);
  for (const [k, tailor] of tailors.entries()) {
    const open = tf.reshape(tf.slice(gate, [0, k], [N, 1]), [N, 1, 1]);
    y = tf.add(y, tf.mul(tf.reshape(lowRank(tailor), [N, T, -1]), open));
  }
  return y;
}

describe('groupedLowRank', () => {
  test.each([
    ['all samples of one group', [[0, 4, 0]]],
    [
      'segments of equal length',
      [
        [0, 2, 0],
        [2, 4, 1],
      ],
    ],
    [
      'segments of unequal length and ranks',
      [
        [0, 1, 0],
        [1, 4, 2],
      ],
    ],
    ['learngenes first', [[2, 4, 1]]],
    [
      'learngenes last and between',
      [
        [0, 1, 1],
        [2, 3, 0],
      ],
    ],
    ['no tailor at all', []],
  ] as [string, number[][]][])('is the masked layer: %s', (_, segments) => {
    const x = draw(4, 3, 6);
    const f = layerOf(5, 6, 3);
    const tailors = [tailorOf(5, 6, 2), tailorOf(5, 6, 2), tailorOf(5, 6, 4)];
    const mask = tf.buffer([4, 3]);
    for (const [start, end, k] of segments) for (let n = start; n < end; n++) mask.set(1, n, k);
    const gate = mask.toTensor();
    const tree = { x, f, tailors: { 0: tailors[0], 1: tailors[1], 2: tailors[2] } };
    const weights = draw(4, 3, 5);
    const loss = (y: tf.Tensor) => tf.sum(tf.mul(y, weights)) as tf.Scalar;
    const gated = valueAndGrad((p) => {
      const own = segments.map(([start, end, k]) => ({ start, end, factors: p.tailors[k as 0] }));
      return loss(groupedLowRank(p.x as tf.Tensor3D, { common: p.f, segments: own }));
    }, tree);
    const naive = valueAndGrad((p) => loss(masked(p.x, p.f, Object.values(p.tailors), gate)), tree);
    expectClose(gated.value, naive.value, { rtol: 1e-4 });
    const expected = flattenParams(naive.grads);
    const active = new Set(segments.map(([, , k]) => k));
    for (const [name, grad] of flattenParams(gated.grads)) {
      expect(relativeError(grad, expected.get(name)!), name).toBeLessThan(1e-5);
      // The masked layer's own gradient of a tailor that nobody uses is exactly zero.
      const tailor = /^tailors\.(\d)/.exec(name);
      if (tailor && !active.has(Number(tailor[1])))
        expect(
          expected
            .get(name)!
            .dataSync()
            .every((d) => d === 0),
        ).toBe(true);
    }
  });

  test('agrees with finite differences', () => {
    const f = layerOf(3, 4, 2);
    const tailor = tailorOf(3, 4, 1);
    checkGradient(
      (x, u, s, v, bias, tu, ts, tv) =>
        groupedLowRank(x as tf.Tensor3D, {
          common: { u, s, v, bias } as Common,
          segments: [{ start: 1, end: 2, factors: { u: tu, s: ts, v: tv } as LowRankFactors }],
        }),
      [draw(2, 2, 4), f.u, f.s, f.v, f.bias!, tailor.u, tailor.s, tailor.v],
    );
  });

  test('without common factors is the segments alone, zero for the other samples', () => {
    const x = draw(4, 3, 6) as tf.Tensor3D;
    const f = layerOf(5, 6, 3);
    for (const bounds of [
      [[0, 4]],
      [[1, 3]],
      [
        [0, 1],
        [2, 4],
      ],
    ]) {
      const tree = { x, own: Object.fromEntries(bounds.map((_, i) => [i, tailorOf(5, 6, 2)])) };
      const weights = draw(4, 3, 5);
      const run = (common: Common | undefined) =>
        valueAndGrad((p: typeof tree) => {
          const segments = bounds.map(([start, end], i) => ({ start, end, factors: p.own[i] }));
          return tf.sum(tf.mul(groupedLowRank(p.x, { common, segments }), weights)) as tf.Scalar;
        }, tree);
      const zero = { ...f, u: tf.zerosLike(f.u), bias: tf.zerosLike(f.bias!) };
      const [alone, expected] = [run(undefined), run(zero)];
      expectClose(alone.value, expected.value, { rtol: 1e-4 });
      const grads = flattenParams(expected.grads);
      for (const [name, grad] of flattenParams(alone.grads)) {
        expect(relativeError(grad, grads.get(name)!), name).toBeLessThan(1e-5);
      }
    }
    expect(() => groupedLowRank(x, { segments: [] })).toThrow('segments: expected at least one without common factors');
  });

  test('adds the gradients of factors that two segments share', () => {
    const x = draw(4, 3, 6) as tf.Tensor3D;
    const f = layerOf(5, 6, 3);
    const tree = { ...tailorOf(5, 6, 2) };
    const weights = draw(4, 3, 5);
    const run = (...bounds: [number, number][]) =>
      valueAndGrad((factors: typeof tree) => {
        const segments = bounds.map(([start, end]) => ({ start, end, factors }));
        return tf.sum(tf.mul(groupedLowRank(x, { common: f, segments }), weights)) as tf.Scalar;
      }, tree);
    const [parts, whole] = [run([0, 1], [1, 4]), run([0, 4])];
    expectClose(parts.value, whole.value, { rtol: 1e-4 });
    for (const name of ['u', 's', 'v'] as const) {
      expect(relativeError(parts.grads[name], whole.grads[name]), name).toBeLessThan(1e-5);
    }
  });

  test('works without a bias', () => {
    const { bias, ...f } = layerOf(5, 6, 3);
    const x = draw(2, 3, 6) as tf.Tensor3D;
    expectClose(
      tf.add(groupedLowRank(x, { common: f, segments: [] }), bias!),
      groupedLowRank(x, { common: { ...f, bias }, segments: [] }),
    );
  });

  test('leaves nothing behind', async () => {
    const x = draw(2, 3, 6) as tf.Tensor3D;
    const f = layerOf(5, 6, 3);
    const own = [{ start: 0, end: 1, factors: tailorOf(5, 6, 2) }];
    await expectNoLeak(() => {
      tf.dispose(groupedLowRank(x, { common: f, segments: own }));
      tf.dispose(
        valueAndGrad((p) => tf.sum(groupedLowRank(p.x as tf.Tensor3D, { common: f, segments: own })) as tf.Scalar, {
          x,
        }),
      );
    });
  });

  test('names what is wrong', () => {
    const x = draw(2, 3, 6) as tf.Tensor3D;
    const f = layerOf(5, 6, 3);
    const tailor = tailorOf(5, 6, 2);
    const run =
      (...segments: [number, number, LowRankFactors][]) =>
      () =>
        groupedLowRank(x, { common: f, segments: segments.map(([start, end, factors]) => ({ start, end, factors })) });
    expect(run([0, 3, tailor])).toThrow('segments[0]: expected a run within [0, 2), got [0, 3)');
    expect(run([0, 2, tailor], [1, 2, tailor])).toThrow('segments[1]: expected a run within [2, 2), got [1, 2)');
    expect(run([0, 1, tailorOf(4, 6, 2)])).toThrow('segments[0].u: expected [5, r], got [4, 2]');
    expect(() => groupedLowRank(draw(2, 3, 7) as tf.Tensor3D, { common: f, segments: [] })).toThrow(
      'x: expected [N, T, 6], got [2, 3, 7]',
    );
  });
});

describe('groupedLowRank with an epilogue', () => {
  const tree = () => ({
    x: draw(4, 3, 6) as tf.Tensor3D,
    f: layerOf(5, 6, 3),
    a: tailorOf(5, 6, 2),
    b: tailorOf(5, 6, 4),
    stream: draw(4, 3, 5) as tf.Tensor3D,
    gate: draw(4, 5) as tf.Tensor2D,
  });
  type Tree = ReturnType<typeof tree>;
  const segments = ({ a, b }: Tree) => [
    { start: 0, end: 1, factors: a },
    { start: 2, end: 4, factors: b },
  ];
  const epilogues: [string, (p: Tree) => Epilogue][] = [
    ['GELU', () => 'gelu'],
    ['x + gate y', ({ stream, gate }) => ({ x: stream, gate })],
  ];

  test.each(epilogues)('is the layer and what follows it, gradients too: %s', (_, epilogue) => {
    const p = tree();
    const weights = draw(4, 3, 5);
    const run = (y: (p: Tree) => tf.Tensor) =>
      valueAndGrad((leaves) => tf.sum(tf.mul(y(leaves), weights)) as tf.Scalar, p);
    const fused = run((q) => groupedLowRank(q.x, { common: q.f, segments: segments(q), epilogue: epilogue(q) }));
    const parts = run((q) => applyEpilogue(groupedLowRank(q.x, { common: q.f, segments: segments(q) }), epilogue(q)));
    expectClose(fused.value, parts.value, { rtol: 1e-4 });
    const expected = flattenParams(parts.grads);
    for (const [name, grad] of flattenParams(fused.grads)) {
      if (epilogue(p) !== 'gelu' || !['stream', 'gate'].includes(name))
        expect(relativeError(grad, expected.get(name)!), name).toBeLessThan(1e-5);
    }
  });

  test.each(epilogues)('is the same without a tape: %s', (_, epilogue) => {
    const p = tree();
    const y = groupedLowRank(p.x, { common: p.f, segments: segments(p), epilogue: epilogue(p) });
    expectClose(y, applyEpilogue(groupedLowRank(p.x, { common: p.f, segments: segments(p) }), epilogue(p)), {
      rtol: 1e-5,
      atol: 1e-5,
    });
  });

  test.each(epilogues)('agrees with finite differences, and leaves nothing behind: %s', async (_, epilogue) => {
    const p = tree();
    checkGradient(
      (x, u, ts, stream = p.stream, gate = p.gate) => {
        const q = { ...p, x, f: { ...p.f, u }, a: { ...p.a, s: ts }, stream, gate } as Tree;
        return groupedLowRank(q.x, { common: q.f, segments: segments(q), epilogue: epilogue(q) });
      },
      [p.x, p.f.u, p.a.s, ...(epilogue(p) === 'gelu' ? [] : [p.stream, p.gate])],
    );
    await expectNoLeak(() => {
      tf.dispose(groupedLowRank(p.x, { common: p.f, segments: segments(p), epilogue: epilogue(p) }));
      const loss = (q: Tree) =>
        tf.sum(groupedLowRank(q.x, { common: q.f, segments: segments(q), epilogue: epilogue(q) })) as tf.Scalar;
      tf.dispose(valueAndGrad(loss, p));
    });
  });
});
