import { getKernel, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { EPILOGUE, GEMM } from '../addon/linear';
import type { NativeBackend } from '../backend';
import { cpuKernel } from '../cpu-kernel';
import type { KernelCall, KernelTable } from '../kernel';

/** The precision's bit of a product's flags. */
function precisionOf(backend: NativeBackend): number {
  return backend.precision === 'bf16' ? GEMM.bf16 : 0;
}

interface Sides {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Sizes of a product of the last two axes, with the leading axes of either factor. */
function sizesOf(a: TensorInfo, b: TensorInfo, { transposeA, transposeB }: Sides) {
  const [rowsA, columnsA] = a.shape.slice(-2);
  const [rowsB, columnsB] = b.shape.slice(-2);
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [inner, n] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
  if (k !== inner) {
    const shapes = `[${a.shape}] and [${b.shape}]`;
    throw new Error(`matMul: expected equal inner sizes, got ${k} and ${inner} of ${shapes}`);
  }
  return { m, n, k, leadA: a.shape.slice(0, -2), leadB: b.shape.slice(0, -2) };
}

/** For every element of the broadcast leading axes, the index of the factor's matrix. */
function matrixIndices(lead: readonly number[], shape: readonly number[]): number[] {
  const padded = [...new Array(shape.length - lead.length).fill(1), ...lead];
  let indices = [0];
  for (const [axis, size] of shape.entries()) {
    const own = padded[axis];
    indices = indices.flatMap((index) => Array.from({ length: size }, (_, i) => index * own + (own === 1 ? 0 : i)));
  }
  return indices;
}

/** op(a) op(b) of the last two axes; the axes before broadcast. */
function multiply(backend: NativeBackend, a: TensorInfo, b: TensorInfo, sides: Sides): TensorInfo {
  const { m, n, k, leadA, leadB } = sizesOf(a, b, sides);
  const { addon } = backend;
  const lead = broadcast(leadA, leadB);
  const output = backend.output([...lead, m, n]);
  const [as, bs, c] = [a, b, output].map((tensor) => backend.f32(tensor));
  const flags =
    precisionOf(backend) | (sides.transposeA ? GEMM.transposeA : 0) | (sides.transposeB ? GEMM.transposeB : 0);
  const [countA, countB, count] = [leadA, leadB, lead].map((shape) => util.sizeFromShape(shape));
  if (count === 0) return output;
  if (count === 1) addon.gemm(m, n, k, flags, as, bs, c, undefined, EPILOGUE.store);
  else if (countB === 1 && countA === count && !sides.transposeA) {
    addon.gemm(count * m, n, k, flags, as, bs, c, undefined, EPILOGUE.store); // all rows against one matrix
  } else if ((countA === count || countA === 1) && (countB === count || countB === 1)) {
    const same = (countA === 1 ? GEMM.sameA : 0) | (countB === 1 ? GEMM.sameB : 0);
    addon.gemmBatch(count, m, n, k, flags | same, as, bs, c);
  } else {
    const [indicesA, indicesB] = [matrixIndices(leadA, lead), matrixIndices(leadB, lead)];
    for (let i = 0; i < count; i++) {
      const [left, right] = [part(as, indicesA[i], m * k), part(bs, indicesB[i], k * n)];
      addon.gemm(m, n, k, flags, left, right, part(c, i, m * n), undefined, EPILOGUE.store);
    }
  }
  return output;
}

function part(values: Float32Array, index: number, size: number): Float32Array {
  return values.subarray(index * size, (index + 1) * size);
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [x, y] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    if (x !== y && x !== 1 && y !== 1) throw new Error(`matMul: leading axes [${a}] and [${b}] do not broadcast`);
    return x === 1 ? y : x;
  });
}

function batchMatMul(call: KernelCall): TensorInfo | TensorInfo[] {
  const { inputs, attrs, backend } = call;
  const { a, b } = inputs;
  if (a.dtype !== 'float32' || b.dtype !== 'float32') return cpuKernel('BatchMatMul', call);
  return multiply(backend, a, b, { transposeA: attrs.transposeA === true, transposeB: attrs.transposeB === true });
}

/** tfjs names activations; these are the kernels that compute them. */
const ACTIVATIONS: Readonly<Record<string, string>> = {
  relu: 'Relu',
  relu6: 'Relu6',
  elu: 'Elu',
  sigmoid: 'Sigmoid',
  leakyrelu: 'LeakyRelu',
  prelu: 'Prelu',
};

function fusedMatMul(call: KernelCall): TensorInfo | TensorInfo[] {
  const { inputs, attrs, backend } = call;
  const { a, b, bias, preluActivationWeights } = inputs;
  const sides = { transposeA: attrs.transposeA === true, transposeB: attrs.transposeB === true };
  const activation = (attrs.activation as string | undefined) ?? 'linear';
  if ([a, b, ...(bias ? [bias] : [])].some(({ dtype }) => dtype !== 'float32')) return cpuKernel('_FusedMatMul', call);
  const { m, n, k, leadA, leadB } = sizesOf(a, b, sides);
  const single = util.sizeFromShape(leadA) === 1 && util.sizeFromShape(leadB) === 1;
  let y: TensorInfo;
  if (bias && single && util.sizeFromShape(bias.shape) === n && bias.shape.at(-1) === n) {
    y = backend.output([...broadcast(leadA, leadB), m, n]);
    const flags =
      precisionOf(backend) | (sides.transposeA ? GEMM.transposeA : 0) | (sides.transposeB ? GEMM.transposeB : 0);
    const [as, bs, c, biases] = [a, b, y, bias].map((tensor) => backend.f32(tensor));
    backend.addon.gemm(m, n, k, flags, as, bs, c, biases, EPILOGUE.store);
  } else {
    y = multiply(backend, a, b, sides);
    if (bias) y = then(backend, 'Add', { a: y, b: bias }, y);
  }
  if (activation === 'linear') return y;
  const name = ACTIVATIONS[activation];
  if (name === undefined)
    throw new Error(`activation: expected linear or ${Object.keys(ACTIVATIONS)}, got ${activation}`);
  const operands = name === 'Prelu' ? { x: y, alpha: preluActivationWeights } : { x: y };
  return then(backend, name, operands, y, { alpha: attrs.leakyreluAlpha ?? 0.2 });
}

/** Runs another kernel on an intermediate result, which is freed. */
function then(
  backend: NativeBackend,
  name: string,
  inputs: Record<string, TensorInfo | undefined>,
  intermediate: TensorInfo,
  attrs: KernelCall['attrs'] = {},
): TensorInfo {
  const result = getKernel(name, 'native').kernelFunc({
    inputs: inputs as Record<string, TensorInfo>,
    attrs,
    backend,
  }) as TensorInfo;
  if (result.dataId !== intermediate.dataId) backend.disposeIntermediateTensorInfo(intermediate);
  return result;
}

function linear({ inputs, backend }: KernelCall): TensorInfo {
  const { x, weight, bias } = inputs;
  const [out, width] = weight.shape;
  const y = backend.output([...x.shape.slice(0, -1), out]);
  const flags = GEMM.transposeB | precisionOf(backend);
  const rows = rowsOf(x);
  const biases = bias ? backend.f32(bias) : undefined;
  const [xs, weights, ys] = [x, weight, y].map((tensor) => backend.f32(tensor));
  backend.addon.gemm(rows, out, width, flags, xs, weights, ys, biases, EPILOGUE.store);
  return y;
}

/** Elements of all axes but the last. */
function rowsOf(x: TensorInfo): number {
  return util.sizeFromShape(x.shape.slice(0, -1));
}

function linearInputGrad({ inputs, backend }: KernelCall): TensorInfo {
  const { dy, weight } = inputs;
  const [out, width] = weight.shape;
  const dx = backend.output([...dy.shape.slice(0, -1), width]);
  const [dys, weights, dxs] = [dy, weight, dx].map((tensor) => backend.f32(tensor));
  backend.addon.gemm(rowsOf(dy), width, out, precisionOf(backend), dys, weights, dxs, undefined, EPILOGUE.store);
  return dx;
}

function linearWeightGrad({ inputs, backend }: KernelCall): TensorInfo {
  const { dy, x } = inputs;
  const [out, width] = [dy.shape[dy.shape.length - 1], x.shape[x.shape.length - 1]];
  const dweight = backend.output([out, width]);
  const flags = GEMM.transposeA | precisionOf(backend);
  const [dys, xs, dweights] = [dy, x, dweight].map((tensor) => backend.f32(tensor));
  backend.addon.gemm(out, width, rowsOf(x), flags, dys, xs, dweights, undefined, EPILOGUE.store);
  return dweight;
}

/** gelu(pre) and, where it is kept, pre = x weightᵀ + bias. */
function linearGelu({ inputs, attrs, backend }: KernelCall): TensorInfo[] {
  const { x, weight, bias } = inputs;
  const [out, width] = weight.shape;
  const shape = [...x.shape.slice(0, -1), out];
  const outputs = outputsOf(backend, shape, attrs.keep);
  const flags = GEMM.transposeB | precisionOf(backend);
  const biases = bias ? backend.f32(bias) : undefined;
  const [xs, weights, y, pre] = [x, weight, ...outputs].map((tensor) => backend.f32(tensor));
  backend.addon.gemm(rowsOf(x), out, width, flags, xs, weights, y, biases, EPILOGUE.gelu, pre);
  return outputs;
}

/** Room for the result and, unless `keep` is false, for what the epilogue took. */
function outputsOf(backend: NativeBackend, shape: number[], keep: unknown): TensorInfo[] {
  return keep === false ? [backend.output(shape)] : [backend.output(shape), backend.output(shape)];
}

/** (dy weight) gelu'(pre). */
function linearGeluInputGrad({ inputs, backend }: KernelCall): TensorInfo {
  const { dy, weight, pre } = inputs;
  const [out, width] = weight.shape;
  const dx = backend.output(pre.shape);
  const [dys, weights, pres, dxs] = [dy, weight, pre, dx].map((tensor) => backend.f32(tensor));
  const flags = precisionOf(backend);
  backend.addon.gemm(rowsOf(dy), width, out, flags, dys, weights, dxs, undefined, EPILOGUE.geluGrad, pres);
  return dx;
}

/** x + gate branch and, where it is kept, branch = input weightᵀ + bias. */
function linearGatedResidual({ inputs, attrs, backend }: KernelCall): TensorInfo[] {
  const { x, gate, input, weight, bias } = inputs;
  const [out, width] = weight.shape;
  const outputs = outputsOf(backend, x.shape, attrs.keep);
  const flags = GEMM.transposeB | precisionOf(backend);
  const biases = bias ? backend.f32(bias) : undefined;
  const [tokens] = x.shape.slice(1);
  const [xs, gates, values, weights, y, branch] = [x, gate, input, weight, ...outputs].map((tensor) =>
    backend.f32(tensor),
  );
  if (tokens > 0) {
    const rows = rowsOf(x);
    backend.addon.gemmGatedResidual(rows, out, width, flags, values, weights, biases, xs, gates, tokens, y, branch);
  }
  return outputs;
}

function columnSums({ inputs, backend }: KernelCall): TensorInfo {
  const sums = backend.output(inputs.x.shape.slice(-1));
  backend.addon.columnSums(backend.f32(inputs.x), backend.f32(sums));
  return sums;
}

function lowRankLinear({ inputs, backend }: KernelCall): TensorInfo[] {
  const { x, u, s, v, bias } = inputs;
  const [out, r] = u.shape;
  const rows = rowsOf(x);
  const outputs = [backend.output([...x.shape.slice(0, -1), out]), backend.output([rows, r])];
  const [xs, us, ss, vs, y, h] = [x, u, s, v, ...outputs].map((tensor) => backend.f32(tensor));
  const biases = bias ? backend.f32(bias) : undefined;
  backend.addon.lowRankLinear(rows, v.shape[0], out, precisionOf(backend), xs, us, ss, vs, biases, y, h);
  return outputs;
}

/** Products of matrices, and the linear layers of docs/kernels.md of `@learngene/nn`. */
export const linearKernels: KernelTable = {
  BatchMatMul: batchMatMul,
  _FusedMatMul: fusedMatMul,
  LearngeneLinear: linear,
  LearngeneLinearInputGrad: linearInputGrad,
  LearngeneLinearWeightGrad: linearWeightGrad,
  LearngeneColumnSums: columnSums,
  LearngeneLinearGelu: linearGelu,
  LearngeneLinearGeluInputGrad: linearGeluInputGrad,
  LearngeneLinearGatedResidual: linearGatedResidual,
  LearngeneLowRankLinear: lowRankLinear,
};
