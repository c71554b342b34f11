// The kernels of images [N, ..., C] as plain loops, see plain-kernels.ts.
import type { Plain, PlainKernel } from './plain-kernels';

const zeros = (shape: number[]): Plain => ({ shape, values: new Float32Array(shape.reduce((a, b) => a * b, 1)) });

interface GroupNormAttrs {
  groups: number;
  eps: number;
  activation: 'linear' | 'relu' | 'silu';
}

/** The activation and its derivative at z. */
function activate(z: number, activation: GroupNormAttrs['activation']): [number, number] {
  if (activation === 'linear') return [z, 1];
  if (activation === 'relu') return z > 0 ? [z, 1] : [0, 0];
  const s = 1 / (1 + Math.exp(-z));
  return [z * s, s + z * s * (1 - s)];
}

/** Calls `each(places, n, g)` with the places of all elements of every group. */
function eachGroup({ shape, values }: Plain, groups: number, each: (places: number[], group: number) => void): void {
  const [N, C] = [shape[0], shape[shape.length - 1]];
  for (let n = 0; n < N; n++)
    for (let g = 0; g < groups; g++) {
      const places = [...values.keys()].filter(
        (i) => Math.floor((i * N) / values.length) === n && Math.floor(((i % C) * groups) / C) === g,
      );
      each(places, n * groups + g);
    }
}

const groupNorm: PlainKernel = ({ x, weight, bias }, attrs) => {
  const { groups, eps, activation } = attrs as unknown as GroupNormAttrs;
  const C = weight.shape[0];
  const [y, mean, rstd] = [zeros(x.shape), zeros([x.shape[0], groups]), zeros([x.shape[0], groups])];
  eachGroup(x, groups, (places, group) => {
    const middle = places.reduce((sum, i) => sum + x.values[i], 0) / places.length;
    const variance = places.reduce((sum, i) => sum + (x.values[i] - middle) ** 2, 0) / places.length;
    [mean.values[group], rstd.values[group]] = [middle, 1 / Math.sqrt(variance + eps)];
    for (const i of places) {
      const xhat = (x.values[i] - middle) / Math.sqrt(variance + eps);
      [y.values[i]] = activate(xhat * weight.values[i % C] + bias.values[i % C], activation);
    }
  });
  return [y, mean, rstd];
};

const groupNormGrad: PlainKernel = ({ dy, x, weight, bias, state0, state1 }, attrs) => {
  const { groups, activation } = attrs as unknown as GroupNormAttrs;
  const C = weight.shape[0];
  const [dx, dweight, dbias] = [zeros(x.shape), zeros([C]), zeros([C])];
  eachGroup(x, groups, (places, group) => {
    const rstd = state1.values[group];
    const xhat = places.map((i) => (x.values[i] - state0.values[group]) * rstd);
    const g = places.map((i, at) => {
      const c = i % C;
      const dz = dy.values[i] * activate(xhat[at] * weight.values[c] + bias.values[c], activation)[1];
      dweight.values[c] += dz * xhat[at];
      dbias.values[c] += dz;
      return dz * weight.values[c];
    });
    const sum = g.reduce((a, b) => a + b, 0) / g.length;
    const dot = g.reduce((a, b, at) => a + b * xhat[at], 0) / g.length;
    places.forEach((i, at) => {
      dx.values[i] = rstd * (g[at] - sum - xhat[at] * dot);
    });
  });
  return [dx, dweight, dbias];
};

interface ConvAttrs {
  strides: [number, number];
  pad: number | [number, number][];
  activation: 'linear' | 'relu';
}

const conv2d: PlainKernel = ({ x, filter, bias, residual }, given) => {
  const { strides, pad, activation } = given as unknown as ConvAttrs;
  const [N, H, W, C] = x.shape;
  const [K, , , O] = filter.shape;
  const [before, after] = typeof pad === 'number' ? [pad, pad] : pad[1];
  const side = (size: number): number => Math.floor((size + before + after - K) / strides[0]) + 1;
  const y = zeros([N, side(H), side(W), O]);
  y.values.forEach((_, at) => {
    const [o, column] = [at % O, Math.floor(at / O) % side(W)];
    const [row, n] = [Math.floor(at / O / side(W)) % side(H), Math.floor(at / O / side(W) / side(H))];
    let sum = (bias?.values[o] ?? 0) + (residual?.values[at] ?? 0);
    for (let a = 0; a < K; a++)
      for (let b = 0; b < K; b++) {
        const [i, j] = [row * strides[0] + a - before, column * strides[1] + b - before];
        if (i < 0 || j < 0 || i >= H || j >= W) continue;
        for (let c = 0; c < C; c++)
          sum += x.values[((n * H + i) * W + j) * C + c] * filter.values[((a * K + b) * C + c) * O + o];
      }
    y.values[at] = activation === 'relu' ? Math.max(sum, 0) : sum;
  });
  return [y];
};

const reluGrad: PlainKernel = ({ dy, y }) => {
  const D = y.shape[y.shape.length - 1];
  const [dx, sums] = [zeros(y.shape), zeros([D])];
  dx.values.forEach((_, i) => {
    dx.values[i] = y.values[i] > 0 ? dy.values[i] : 0;
    sums.values[i % D] += dx.values[i];
  });
  return [dx, sums];
};

/** The kernels by their names. */
export const plainImageKernels: Record<string, PlainKernel> = {
  LearngeneConv2d: conv2d,
  LearngeneGroupNorm: groupNorm,
  LearngeneGroupNormGrad: groupNormGrad,
  LearngeneReluGrad: reluGrad,
};
