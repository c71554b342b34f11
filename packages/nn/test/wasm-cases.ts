// What wasm/threads.test.ts computes on one thread and on several.
import { createGenerator, normal } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { initAdamW } from '../src/adamw';
import { adamWEmaStep } from '../src/adamw-ema';
import { attention } from '../src/ops/attention';
import { gatedResidual } from '../src/ops/gated-residual';
import { gelu } from '../src/ops/gelu';
import { groupedLowRank } from '../src/ops/grouped-low-rank';
import { layerNormModulate } from '../src/ops/layer-norm';
import { flattenParams, type ParamTree } from '../src/tree';

/** A function of tensors of these shapes. */
export interface Case {
  readonly name: string;
  readonly shapes: readonly number[][];
  readonly f: (...xs: never[]) => tf.Tensor;
  /** How exact float32 is at these sizes. */
  readonly atol?: number;
}

const products: Case[] = [
  [1, 100, 70, 30],
  [1, 7, 600, 90], // few rows: by columns
  [5, 33, 40, 41], // by items
  [2, 60, 257, 29],
  [1, 5, 60, 4], // too few numbers for a job
].flatMap(([batch, M, K, N]) =>
  [0, 1, 2, 3].map((form): Case => {
    const [tA, tB] = [form % 2 === 1, form > 1];
    const shapes = [tA ? [batch, K, M] : [batch, M, K], tB ? [batch, N, K] : [batch, K, N]];
    const f = (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b, tA, tB);
    return { name: `${batch} [${M}, ${K}] by [${K}, ${N}], transposed: ${tA}, ${tB}`, shapes, f, atol: 2e-4 };
  }),
);

/** Factors of rank r, then those of segments of samples. */
function layer(r: number, { N, T, starts, ends }: { N: number; T: number; starts: number[]; ends: number[] }): Case {
  const [width, out] = [44, 70];
  const factors = (rank: number) => [[out, rank], [rank], [width, rank]];
  const own = starts.map((_, i) => factors(i + 3));
  const f = (x: tf.Tensor3D, ...more: tf.Tensor[]) => {
    const at = (i: number) => ({ u: more[i], s: more[i + 1], v: more[i + 2] }) as never;
    const common = r > 0 ? { ...(at(0) as object), bias: more[3] } : undefined;
    const first = r > 0 ? 4 : 0;
    const segments = starts.map((start, i) => ({ start, end: ends[i], factors: at(first + 3 * i) }));
    return groupedLowRank(x, { common: common as never, segments });
  };
  const shapes = [[N, T, width], ...(r > 0 ? [...factors(r), [out]] : []), ...own.flat()];
  return { name: `low rank ${r}, ${N} samples of ${T}, from ${starts} to ${ends}`, shapes, f, atol: 5e-4 };
}

const blocks: Case[] = [
  ...[[3], [40, 301]].map((shape): Case => ({ name: `GELU of ${shape}`, shapes: [shape], f: gelu })),
  ...[
    [1, 1, 1],
    [7, 5, 6],
    [9, 16, 66],
  ].flatMap(([N, T, D]): Case[] => {
    const [x, rows] = [
      [N, T, D],
      [N, D],
    ];
    const f = (a: tf.Tensor3D, b: tf.Tensor2D, c: tf.Tensor2D) => layerNormModulate(a, b, c, { eps: 1e-2 });
    return [
      { name: `gated residual of ${x}`, shapes: [x, rows, x], f: gatedResidual },
      { name: `modulated norm of ${x}`, shapes: [x, rows, rows], f },
    ];
  }),
  ...[
    [1, 1, 1, 1, 1],
    [3, 5, 7, 3, 2],
    [4, 16, 16, 6, 32],
    [2, 70, 33, 1, 9],
  ].map(([N, T, S, heads, width]): Case => {
    const [q, k] = [
      [N, T, heads * width],
      [N, S, heads * width],
    ];
    const f = (a: tf.Tensor3D, b: tf.Tensor3D, c: tf.Tensor3D) => attention(a, b, c, { heads });
    return { name: `attention of ${q} to ${k}`, shapes: [q, k, k], f };
  }),
  layer(20, { N: 12, T: 40, starts: [0, 4, 9], ends: [3, 9, 12] }),
  layer(20, { N: 30, T: 1, starts: [2, 7], ends: [7, 30] }),
  layer(300, { N: 5, T: 9, starts: [], ends: [] }),
  layer(0, { N: 6, T: 50, starts: [1, 3], ends: [2, 6] }),
];

const others: Case[] = [
  ...[[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]].flatMap((axis): Case[] => [
    { name: `sum over ${axis}`, shapes: [[9, 40, 131]], f: (x: tf.Tensor) => tf.sum(x, axis), atol: 2e-4 },
    { name: `mean over ${axis}`, shapes: [[9, 40, 131]], f: (x: tf.Tensor) => tf.mean(x, axis) },
  ]),
  { name: 'softmax of long lines', shapes: [[5, 3000]], f: (x: tf.Tensor) => tf.softmax(x) },
  {
    name: 'convolution',
    shapes: [
      [3, 12, 11, 8],
      [3, 3, 8, 20],
    ],
    f: (x: tf.Tensor4D, w: tf.Tensor4D) => tf.conv2d(x, w, 1, 'same'),
    atol: 1e-3,
  },
];

/** All of them. */
export const cases = [...products, ...blocks, ...others];

/** The result and the gradients. */
export function run({ shapes, f }: Case): Float32Array[] {
  return tf.tidy(() => {
    const g = createGenerator(11);
    const inputs = shapes.map((shape) => tf.tensor(normal(g, tf.util.sizeFromShape(shape)), shape));
    const weighted = () => {
      const y = f(...(inputs as never[]));
      return tf.sum(tf.mul(y, tf.tensor(normal(createGenerator(12), y.size), y.shape))) as tf.Scalar;
    };
    const { grads } = tf.engine().gradients(weighted, inputs);
    return [f(...(inputs as never[])), ...grads].map((tensor) => tensor.dataSync() as Float32Array);
  });
}

/** Two steps with clipping and averages over leaves of all lengths. */
export function optimise(): Float32Array[] {
  return tf.tidy(() => {
    const g = createGenerator(3);
    const shapes = [[3], [40001], [2, 3], [], [200, 130], [0]];
    const tree = (): ParamTree =>
      Object.fromEntries(
        shapes.map((shape, i) => [`p${i}`, tf.tensor(normal(g, tf.util.sizeFromShape(shape)), shape)]),
      );
    const [params, grads, ema] = [tree(), tree(), tree()];
    const options = { learningRate: 0.1, weightDecay: 0.3, emaDecay: 0.9, clipNorm: 5 };
    const first = adamWEmaStep({ params, grads, state: initAdamW(params), ema }, options);
    const second = adamWEmaStep({ params: first.params, grads, state: first.state, ema: first.ema }, options);
    const trees = [second.params, second.state.m, second.state.v, second.ema];
    return trees.flatMap((each) => [...flattenParams(each).values()].map((leaf) => leaf.dataSync() as Float32Array));
  });
}
