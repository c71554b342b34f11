import { backend_util, type DataType, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { ARITHMETIC, COMPARISONS, LOGICAL, UNARY } from '../addon/elementwise';
import { cpuKernel } from '../cpu-kernel';
import type { Kernel, KernelCall, KernelTable } from '../kernel';
import { forFloats, sizeOf } from './floats';

const LENGTHS_SAY_ALL = new Int32Array(0);
const MAX_RANK = 8;
const bothShapes = new Int32Array(2 + 2 * MAX_RANK);

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The shape that two shapes broadcast to. */
function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let d = 1; d <= rank; d++) {
    const own = d <= a.length ? a[a.length - d] : 1;
    const other = d <= b.length ? b[b.length - d] : 1;
    // for the message
    if (own !== other && own !== 1 && other !== 1) backend_util.assertAndGetBroadcastShape([...a], [...b]);
    shape[rank - d] = own === 1 ? other : own;
  }
  return shape;
}

/**
 * Returns the shape of the result, and the shapes in the form that the addon takes. The latter is valid only until the
 * next call.
 */
function broadcast(a: TensorInfo, b: TensorInfo): { shape: number[]; shapes: Int32Array } {
  const [left, right] = [a.shape, b.shape];
  if (right.length === 0 || sameShape(left, right)) return { shape: left, shapes: LENGTHS_SAY_ALL };
  if (left.length === 0) return { shape: right, shapes: LENGTHS_SAY_ALL };
  bothShapes[0] = left.length;
  bothShapes[1] = right.length;
  for (let d = 0; d < left.length; d++) bothShapes[2 + d] = left[d];
  for (let d = 0; d < right.length; d++) bothShapes[2 + left.length + d] = right[d];
  return { shape: broadcastShape(left, right), shapes: bothShapes };
}

/** A new bool tensor and its values. */
function bools({ backend }: KernelCall, shape: number[]): [TensorInfo, Uint8Array] {
  const values = new Uint8Array(sizeOf(shape));
  return [backend.makeTensorInfo(shape, 'bool', values), values];
}

function arithmetic(name: (typeof ARITHMETIC)[number]): Kernel {
  const op = ARITHMETIC.indexOf(name);
  return ({ inputs: { a, b }, backend }) => {
    const { shape, shapes } = broadcast(a, b);
    const y = backend.output(shape);
    backend.addon.arithmetic(op, shapes, backend.f32(a), backend.f32(b), backend.f32(y));
    return y;
  };
}

function comparison(name: (typeof COMPARISONS)[number]): Kernel {
  const op = COMPARISONS.indexOf(name);
  return (call) => {
    const { inputs, backend } = call;
    const { shape, shapes } = broadcast(inputs.a, inputs.b);
    const [y, values] = bools(call, shape);
    backend.addon.comparison(op, shapes, backend.f32(inputs.a), backend.f32(inputs.b), values);
    return y;
  };
}

function logical(kernelName: string, name: (typeof LOGICAL)[number]): Kernel {
  const op = LOGICAL.indexOf(name);
  return (call) => {
    const { inputs, backend } = call;
    const { a, b } = inputs;
    if (a.dtype !== 'bool' || b.dtype !== 'bool') return cpuKernel(kernelName, call);
    const { shape, shapes } = broadcast(a, b);
    const [y, values] = bools(call, shape);
    backend.addon.logical(op, shapes, backend.u8(a), backend.u8(b), values);
    return y;
  };
}

function logicalNot(call: KernelCall) {
  const { inputs, backend } = call;
  if (inputs.x.dtype !== 'bool') return cpuKernel('LogicalNot', call);
  const [y, values] = bools(call, inputs.x.shape);
  backend.addon.logicalNot(backend.u8(inputs.x), values);
  return y;
}

/** A function of one tensor whose parameters are the named attributes. */
function unary(name: (typeof UNARY)[number], ...parameters: string[]): Kernel {
  const op = UNARY.indexOf(name);
  const [first, second] = parameters;
  return ({ inputs: { x }, attrs, backend }) => {
    const y = backend.output(x.shape);
    const p = first === undefined ? 0 : Number(attrs[first]);
    const q = second === undefined ? 0 : Number(attrs[second]);
    backend.addon.unary(op, backend.f32(x), backend.f32(y), p, q);
    return y;
  };
}

function addN({ inputs, backend }: KernelCall): TensorInfo {
  const terms = Object.values(inputs);
  const y = backend.output(terms[0].shape);
  backend.addon.addN(
    terms.map((term) => backend.f32(term)),
    backend.f32(y),
  );
  return y;
}

function select(call: KernelCall) {
  const { inputs, backend } = call;
  const { condition, t, e } = inputs;
  const floats = t.dtype === 'float32' && e.dtype === 'float32' && condition.dtype === 'bool';
  if (!floats || !sameShape(condition.shape, t.shape) || !sameShape(e.shape, t.shape)) return cpuKernel('Select', call);
  const y = backend.output(t.shape);
  backend.addon.select(backend.u8(condition), backend.f32(t), backend.f32(e), backend.f32(y));
  return y;
}

function cast(call: KernelCall) {
  const { inputs, attrs, backend } = call;
  const { x } = inputs;
  const to = attrs.dtype as DataType;
  const { addon } = backend;
  if (x.dtype === 'float32' && to === 'int32') {
    const values = new Int32Array(sizeOf(x.shape));
    addon.floatToInt(backend.f32(x), values);
    return backend.makeTensorInfo(x.shape, to, values);
  }
  if (x.dtype === 'float32' && to === 'bool') {
    const [y, values] = bools(call, x.shape);
    addon.floatToBool(backend.f32(x), values);
    return y;
  }
  if (to !== 'float32' || (x.dtype !== 'int32' && x.dtype !== 'bool')) return cpuKernel('Cast', call);
  const y = backend.output(x.shape);
  if (x.dtype === 'int32') addon.intToFloat(backend.i32(x), backend.f32(y));
  else addon.boolToFloat(backend.u8(x), backend.f32(y));
  return y;
}

function filled({ backend }: KernelCall, shape: number[], value: number): TensorInfo {
  const y = backend.output(shape);
  backend.addon.fill(value, backend.f32(y));
  return y;
}

function fill(call: KernelCall) {
  const { shape, value, dtype } = call.attrs as { shape: number[]; value: number | string; dtype?: DataType };
  if ((dtype || util.inferDtype(value)) !== 'float32') return cpuKernel('Fill', call);
  return filled(call, shape, Number(value));
}

/** Elementwise kernels: float32 and bool in Rust, other types by the cpu backend. */
export const elementwiseKernels: KernelTable = {
  Add: forFloats('Add', arithmetic('Add')),
  Sub: forFloats('Sub', arithmetic('Sub')),
  Multiply: forFloats('Multiply', arithmetic('Mul')),
  RealDiv: forFloats('RealDiv', arithmetic('Div')),
  Maximum: forFloats('Maximum', arithmetic('Max')),
  Minimum: forFloats('Minimum', arithmetic('Min')),
  SquaredDifference: forFloats('SquaredDifference', arithmetic('SquaredDifference')),
  Pow: forFloats('Pow', arithmetic('Pow')),
  Equal: forFloats('Equal', comparison('Equal')),
  NotEqual: forFloats('NotEqual', comparison('NotEqual')),
  Less: forFloats('Less', comparison('Less')),
  LessEqual: forFloats('LessEqual', comparison('LessEqual')),
  Greater: forFloats('Greater', comparison('Greater')),
  GreaterEqual: forFloats('GreaterEqual', comparison('GreaterEqual')),
  LogicalAnd: logical('LogicalAnd', 'And'),
  LogicalOr: logical('LogicalOr', 'Or'),
  LogicalNot: logicalNot,
  Neg: forFloats('Neg', unary('Neg')),
  Abs: forFloats('Abs', unary('Abs')),
  Exp: forFloats('Exp', unary('Exp')),
  Expm1: forFloats('Expm1', unary('Expm1')),
  Log: forFloats('Log', unary('Log')),
  Log1p: forFloats('Log1p', unary('Log1p')),
  Sqrt: forFloats('Sqrt', unary('Sqrt')),
  Rsqrt: forFloats('Rsqrt', unary('Rsqrt')),
  Square: forFloats('Square', unary('Square')),
  Reciprocal: forFloats('Reciprocal', unary('Reciprocal')),
  Sigmoid: forFloats('Sigmoid', unary('Sigmoid')),
  Tanh: forFloats('Tanh', unary('Tanh')),
  Relu: forFloats('Relu', unary('Relu')),
  Relu6: forFloats('Relu6', unary('Relu6')),
  LeakyRelu: forFloats('LeakyRelu', unary('LeakyRelu', 'alpha')),
  Elu: forFloats('Elu', unary('Elu')),
  Softplus: forFloats('Softplus', unary('Softplus')),
  Erf: forFloats('Erf', unary('Erf')),
  Sin: forFloats('Sin', unary('Sin')),
  Cos: forFloats('Cos', unary('Cos')),
  Floor: forFloats('Floor', unary('Floor')),
  Ceil: forFloats('Ceil', unary('Ceil')),
  Round: forFloats('Round', unary('Round')),
  Sign: forFloats('Sign', unary('Sign')),
  ClipByValue: forFloats('ClipByValue', unary('Clip', 'clipValueMin', 'clipValueMax')),
  Step: forFloats('Step', unary('Step', 'alpha')),
  AddN: forFloats('AddN', addN),
  Select: select,
  Cast: cast,
  Fill: fill,
  ZerosLike: forFloats('ZerosLike', (call) => filled(call, call.inputs.x.shape, 0)),
  OnesLike: forFloats('OnesLike', (call) => filled(call, call.inputs.x.shape, 1)),
};
