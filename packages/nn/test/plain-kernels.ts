// The fused kernels as plain loops over arrays, written from their formulas: what a backend's own must compute.
// docs/kernels.md has their inputs, attributes and outputs.

import { plainImageKernels } from './plain-image-kernels';

/** A tensor as shape and values. */
export interface Plain {
  shape: number[];
  values: Float32Array;
}
/** A kernel over plain tensors. */
export type PlainKernel = (inputs: Record<string, Plain>, attrs: Record<string, number>) => Plain[];

const zeros = (shape: number[]): Plain => ({ shape, values: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
const map = (x: Plain, f: (value: number, i: number) => number): Plain => ({ ...x, values: x.values.map(f) });
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

function geluAt(x: number): [number, number] {
  const s = sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));
  return [x * s, s + x * s * (1 - s) * 2 * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x)];
}

function siluAt(x: number): [number, number] {
  const s = sigmoid(x);
  return [x * s, s + x * s * (1 - s)];
}

/** out[i, j] = sum_k a(i, k) b(k, j) + c(j). */
function multiply(
  M: number,
  K: number,
  N: number,
  a: (i: number, k: number) => number,
  b: (k: number, j: number) => number,
) {
  const out = zeros([M, N]);
  for (let i = 0; i < M; i++)
    for (let j = 0; j < N; j++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += a(i, k) * b(k, j);
      out.values[i * N + j] = sum;
    }
  return out;
}

function moments(x: Plain, row: number, eps: number): { mean: number; rstd: number } {
  const D = x.shape[x.shape.length - 1];
  const values = x.values.subarray(row * D, (row + 1) * D);
  const mean = values.reduce((a, b) => a + b, 0) / D;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / D;
  return { mean, rstd: 1 / Math.sqrt(variance + eps) };
}

/** Layer norm with a factor and an offset for element (row, channel); returns also the state [rows, 2]. */
function norm(
  x: Plain,
  eps: number,
  factor: (row: number, d: number) => number,
  offset: (row: number, d: number) => number,
) {
  const D = x.shape[x.shape.length - 1];
  const rows = x.values.length / D;
  const y = zeros(x.shape);
  const state = zeros([rows, 2]);
  for (let r = 0; r < rows; r++) {
    const { mean, rstd } = moments(x, r, eps);
    state.values.set([mean, rstd], 2 * r);
    for (let d = 0; d < D; d++) {
      y.values[r * D + d] = (x.values[r * D + d] - mean) * rstd * factor(r, d) + offset(r, d);
    }
  }
  return [y, state];
}

/** Gradient of {@link norm}: dx, and the gradients of factor and offset, each element added by `add(row, d, ...)`. */
function normGrad(
  { dy, x, state0 }: Record<string, Plain>,
  factor: (row: number, d: number) => number,
  add: (row: number, d: number, dfactor: number, doffset: number) => void,
): Plain {
  const D = x.shape[x.shape.length - 1];
  const dx = zeros(x.shape);
  for (let r = 0; r < x.values.length / D; r++) {
    const [mean, rstd] = [state0.values[2 * r], state0.values[2 * r + 1]];
    const xhat = (d: number): number => (x.values[r * D + d] - mean) * rstd;
    const g = (d: number): number => dy.values[r * D + d] * factor(r, d);
    let [sum, dot] = [0, 0];
    for (let d = 0; d < D; d++) {
      sum += g(d) / D;
      dot += (g(d) * xhat(d)) / D;
      add(r, d, dy.values[r * D + d] * xhat(d), dy.values[r * D + d]);
    }
    for (let d = 0; d < D; d++) dx.values[r * D + d] = rstd * (g(d) - sum - xhat(d) * dot);
  }
  return dx;
}

/** Calls `head(at)` for every sample and head; `at(t, c)` is the index of token t, channel c of that head. */
function eachHead(q: Plain, S: number, heads: number, head: (qAt: At, kAt: At, Dh: number) => void): void {
  const [N, T, D] = q.shape;
  const Dh = D / heads;
  for (let n = 0; n < N; n++)
    for (let h = 0; h < heads; h++)
      head(
        (t, c) => (n * T + t) * D + h * Dh + c,
        (t, c) => (n * S + t) * D + h * Dh + c,
        Dh,
      );
}
type At = (token: number, channel: number) => number;

function weights(q: Plain, k: Plain, qAt: At, kAt: At, t: number, Dh: number, scale: number): number[] {
  const logits = Array.from({ length: k.shape[1] }, (_, s) => {
    let dot = 0;
    for (let c = 0; c < Dh; c++) dot += q.values[qAt(t, c)] * k.values[kAt(s, c)];
    return dot * scale;
  });
  const top = Math.max(...logits);
  const exps = logits.map((value) => Math.exp(value - top));
  const total = exps.reduce((a, b) => a + b, 0);
  return exps.map((value) => value / total);
}

function list(inputs: Record<string, Plain>, letter: string): Plain[] {
  return inputs[letter] as unknown as Plain[];
}

/** Every kernel of the seam by its name. */
export const plainKernels: Record<string, PlainKernel> = {
  ...plainImageKernels,
  LearngeneGelu: ({ x }) => [map(x, (value) => geluAt(value)[0])],
  LearngeneGeluGrad: ({ dy, x }) => [map(dy, (value, i) => value * geluAt(x.values[i])[1])],
  LearngeneSilu: ({ x }) => [map(x, (value) => siluAt(value)[0])],
  LearngeneSiluGrad: ({ dy, x }) => [map(dy, (value, i) => value * siluAt(x.values[i])[1])],
  LearngeneLinear: ({ x, weight, bias }) => {
    const [out, size] = weight.shape;
    const y = multiply(
      x.values.length / size,
      size,
      out,
      (i, k) => x.values[i * size + k],
      (k, j) => weight.values[j * size + k],
    );
    const shape = [...x.shape.slice(0, -1), out];
    return [{ shape, values: y.values.map((value, i) => value + (bias?.values[i % out] ?? 0)) }];
  },
  LearngeneLowRankLinear: ({ x, u, s, v, bias }) => {
    const [size, r] = v.shape;
    const M = x.values.length / size;
    const h = multiply(
      M,
      size,
      r,
      (i, k) => x.values[i * size + k],
      (k, j) => v.values[k * r + j],
    );
    const y = multiply(
      M,
      r,
      u.shape[0],
      (i, k) => h.values[i * r + k] * s.values[k],
      (k, j) => u.values[j * r + k],
    );
    const shape = [...x.shape.slice(0, -1), u.shape[0]];
    return [{ shape, values: y.values.map((value, i) => value + (bias?.values[i % u.shape[0]] ?? 0)) }, h];
  },
  LearngeneLayerNorm: ({ x, weight, bias }, { eps }) =>
    norm(
      x,
      eps,
      (_, d) => weight?.values[d] ?? 1,
      (_, d) => bias?.values[d] ?? 0,
    ),
  LearngeneLayerNormGrad: (inputs) => {
    const D = inputs.x.shape[inputs.x.shape.length - 1];
    const [dweight, dbias] = [zeros([D]), zeros([D])];
    const dx = normGrad(
      inputs,
      (_, d) => inputs.weight?.values[d] ?? 1,
      (_, d, dfactor, doffset) => {
        dweight.values[d] += dfactor;
        dbias.values[d] += doffset;
      },
    );
    return [dx, dweight, dbias];
  },
  LearngeneLayerNormModulate: ({ x, shift, scale }, { eps }) => {
    const [, T, D] = x.shape;
    const at = (row: number, d: number): number => Math.floor(row / T) * D + d;
    return norm(
      x,
      eps,
      (row, d) => 1 + scale.values[at(row, d)],
      (row, d) => shift.values[at(row, d)],
    );
  },
  LearngeneLayerNormModulateGrad: (inputs) => {
    const [, T, D] = inputs.x.shape;
    const at = (row: number, d: number): number => Math.floor(row / T) * D + d;
    const [dshift, dscale] = [zeros(inputs.scale.shape), zeros(inputs.scale.shape)];
    const dx = normGrad(
      inputs,
      (row, d) => 1 + inputs.scale.values[at(row, d)],
      (row, d, dfactor, doffset) => {
        dscale.values[at(row, d)] += dfactor;
        dshift.values[at(row, d)] += doffset;
      },
    );
    return [dx, dshift, dscale];
  },
  LearngeneGatedResidual: ({ x, gate, y }) => {
    const [, T, D] = x.shape;
    return [map(x, (value, i) => value + gate.values[Math.floor(i / (T * D)) * D + (i % D)] * y.values[i])];
  },
  LearngeneGatedResidualGrad: ({ dy, gate, y }) => {
    const [, T, D] = y.shape;
    const at = (i: number): number => Math.floor(i / (T * D)) * D + (i % D);
    const dgate = zeros(gate.shape);
    dy.values.forEach((value, i) => {
      dgate.values[at(i)] += value * y.values[i];
    });
    return [dgate, map(dy, (value, i) => value * gate.values[at(i)])];
  },
  LearngeneAttention: ({ q, k, v }, { heads, scale }) => {
    const [S, out] = [k.shape[1], zeros(q.shape)];
    eachHead(q, S, heads, (qAt, kAt, Dh) => {
      for (let t = 0; t < q.shape[1]; t++) {
        const p = weights(q, k, qAt, kAt, t, Dh, scale);
        for (let c = 0; c < Dh; c++) {
          out.values[qAt(t, c)] = p.reduce((sum, weight, s) => sum + weight * v.values[kAt(s, c)], 0);
        }
      }
    });
    return [out];
  },
  LearngeneAttentionGrad: ({ dy, q, k, v, out }, { heads, scale }) => {
    const [dq, dk, dv] = [zeros(q.shape), zeros(k.shape), zeros(v.shape)];
    eachHead(q, k.shape[1], heads, (qAt, kAt, Dh) => {
      for (let t = 0; t < q.shape[1]; t++) {
        const p = weights(q, k, qAt, kAt, t, Dh, scale);
        let delta = 0;
        for (let c = 0; c < Dh; c++) delta += dy.values[qAt(t, c)] * out.values[qAt(t, c)];
        p.forEach((weight, s) => {
          let dp = 0;
          for (let c = 0; c < Dh; c++) dp += dy.values[qAt(t, c)] * v.values[kAt(s, c)];
          const ds = weight * (dp - delta) * scale;
          for (let c = 0; c < Dh; c++) {
            dq.values[qAt(t, c)] += ds * k.values[kAt(s, c)];
            dk.values[kAt(s, c)] += ds * q.values[qAt(t, c)];
            dv.values[kAt(s, c)] += weight * dy.values[qAt(t, c)];
          }
        });
      }
    });
    return [dq, dk, dv];
  },
  LearngeneGlobalSquaredNorm: (inputs) => {
    const sum = list(inputs, 'x').reduce((a, x) => a + x.values.reduce((b, value) => b + value * value, 0), 0);
    return [{ shape: [], values: Float32Array.of(sum) }];
  },
  LearngeneEma: (inputs, { decay }) => {
    const params = list(inputs, 'p');
    return list(inputs, 'e').map((e, leaf) =>
      map(e, (value, i) => decay * value + (1 - decay) * params[leaf].values[i]),
    );
  },
  LearngeneAdamW: (inputs, { learningRate, beta1, beta2, eps, weightDecay, step }) => {
    const [p, g, m, v] = ['p', 'g', 'm', 'v'].map((letter) => list(inputs, letter));
    const m1 = m.map((leaf, l) => map(leaf, (value, i) => beta1 * value + (1 - beta1) * g[l].values[i]));
    const v1 = v.map((leaf, l) => map(leaf, (value, i) => beta2 * value + (1 - beta2) * g[l].values[i] ** 2));
    const p1 = p.map((leaf, l) =>
      map(leaf, (value, i) => {
        const mean = m1[l].values[i] / (1 - beta1 ** step);
        const root = Math.sqrt(v1[l].values[i] / (1 - beta2 ** step));
        return value * (1 - learningRate * weightDecay) - (learningRate * mean) / (root + eps);
      }),
    );
    return [...p1, ...m1, ...v1];
  },
  LearngeneAdamWEma: (inputs, { decay, maxNorm, donate: _, ...attrs }) => {
    const factor = inputs.norm ? Math.min(1, maxNorm / (inputs.norm.values[0] + 1e-6)) : 1;
    const g = list(inputs, 'g').map((leaf) => map(leaf, (value) => value * factor));
    const after = plainKernels.LearngeneAdamW({ ...inputs, g: g as never }, attrs);
    const p = after.slice(0, g.length);
    return [...after, ...plainKernels.LearngeneEma({ ...inputs, p: p as never }, { decay })];
  },
  LearngeneLinearInputGrad: ({ dy, weight }) => {
    const [out, size] = weight.shape;
    const dx = multiply(
      dy.values.length / out,
      out,
      size,
      (i, k) => dy.values[i * out + k],
      (k, j) => weight.values[k * size + j],
    );
    return [{ ...dx, shape: [...dy.shape.slice(0, -1), size] }];
  },
  LearngeneLinearWeightGrad: ({ dy, x }) => {
    const [out, size] = [dy.shape[dy.shape.length - 1], x.shape[x.shape.length - 1]];
    return [
      multiply(
        out,
        x.values.length / size,
        size,
        (i, k) => dy.values[k * out + i],
        (k, j) => x.values[k * size + j],
      ),
    ];
  },
  LearngeneColumnSums: ({ x }) => {
    const sums = zeros([x.shape[x.shape.length - 1]]);
    x.values.forEach((value, i) => {
      sums.values[i % sums.values.length] += value;
    });
    return [sums];
  },
  LearngeneLinearGelu: (inputs) => {
    const [pre] = plainKernels.LearngeneLinear(inputs, {});
    return [...plainKernels.LearngeneGelu({ x: pre }, {}), pre];
  },
  LearngeneLinearGeluInputGrad: ({ dy, weight, pre }) => {
    const [dx] = plainKernels.LearngeneLinearInputGrad({ dy, weight }, {});
    return plainKernels.LearngeneGeluGrad({ dy: dx, x: pre }, {});
  },
  LearngeneLinearGatedResidual: ({ x, gate, input, weight, bias }) => {
    const [branch] = plainKernels.LearngeneLinear({ x: input, weight, bias }, {});
    return [...plainKernels.LearngeneGatedResidual({ x, gate, y: branch }, {}), branch];
  },
};
