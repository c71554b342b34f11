import type { TensorInfo } from '@tensorflow/tfjs-core';
import { cpuKernel } from '../cpu-kernel';
import type { Kernel, KernelCall, KernelTable } from '../kernel';

/** The values of an input that may be absent. */
function optional({ backend }: KernelCall, tensor: TensorInfo | undefined): Float32Array | undefined {
  return tensor ? backend.f32(tensor) : undefined;
}

/** y = f(x), elementwise. */
function map(name: 'gelu' | 'silu'): Kernel {
  return ({ inputs, backend }) => {
    const y = backend.output(inputs.x.shape);
    backend.addon[name](backend.f32(inputs.x), backend.f32(y));
    return y;
  };
}

/** dx = dy f'(x), elementwise. */
function mapGrad(name: 'geluGrad' | 'siluGrad'): Kernel {
  return ({ inputs, backend }) => {
    const dx = backend.output(inputs.x.shape);
    backend.addon[name](backend.f32(inputs.dy), backend.f32(inputs.x), backend.f32(dx));
    return dx;
  };
}

function softmax(name: 'Softmax' | 'LogSoftmax'): Kernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const { logits } = inputs;
    const rank = logits.shape.length;
    const axis = Number((name === 'Softmax' ? attrs.dim : attrs.axis) ?? -1);
    if (logits.dtype !== 'float32' || (axis !== -1 && axis !== rank - 1)) return cpuKernel(name, call);
    const y = backend.output(logits.shape);
    const width = logits.shape[rank - 1] ?? 1;
    backend.addon.softmax(backend.f32(logits), width, name === 'LogSoftmax', backend.f32(y));
    return y;
  };
}

function layerNorm(call: KernelCall): TensorInfo[] {
  const { inputs, attrs, backend } = call;
  const { x, weight, bias } = inputs;
  const y = backend.output(x.shape);
  const state = backend.output([...x.shape.slice(0, -1), 2]);
  const width = x.shape[x.shape.length - 1];
  const [weights, biases] = [optional(call, weight), optional(call, bias)];
  const eps = attrs.eps as number;
  backend.addon.layerNorm(backend.f32(x), width, weights, biases, eps, backend.f32(y), backend.f32(state));
  return [y, state];
}

function layerNormGrad(call: KernelCall): TensorInfo[] {
  const { inputs, backend } = call;
  const { dy, x, weight, state0 } = inputs;
  const width = x.shape[x.shape.length - 1];
  const outputs = [backend.output(x.shape), backend.output([width]), backend.output([width])];
  const [dx, dweight, dbias] = outputs.map((output) => backend.f32(output));
  const [dys, xs, states] = [dy, x, state0].map((input) => backend.f32(input));
  backend.addon.layerNormGrad(dys, xs, optional(call, weight), states, dx, dweight, dbias);
  return outputs;
}

function layerNormModulate({ inputs, attrs, backend }: KernelCall): TensorInfo[] {
  const { x, shift, scale } = inputs;
  const [n, t, d] = x.shape;
  const outputs = [backend.output(x.shape), backend.output([n, t, 2])];
  const [xs, shifts, scales] = [x, shift, scale].map((input) => backend.f32(input));
  const [y, state] = outputs.map((output) => backend.f32(output));
  backend.addon.layerNormModulate(n, t, d, xs, shifts, scales, attrs.eps as number, y, state);
  return outputs;
}

function layerNormModulateGrad({ inputs, backend }: KernelCall): TensorInfo[] {
  const { dy, x, scale, state0 } = inputs;
  const [n, t, d] = x.shape;
  const outputs = [backend.output(x.shape), backend.output(scale.shape), backend.output(scale.shape)];
  const [dys, xs, scales, state] = [dy, x, scale, state0].map((input) => backend.f32(input));
  const [dx, dshift, dscale] = outputs.map((output) => backend.f32(output));
  backend.addon.layerNormModulateGrad(n, t, d, dys, xs, scales, state, dx, dshift, dscale);
  return outputs;
}

function gatedResidual({ inputs, backend }: KernelCall): TensorInfo {
  const { x, gate, y } = inputs;
  const [n, t, d] = x.shape;
  const out = backend.output(x.shape);
  backend.addon.gatedResidual(n, t, d, backend.f32(x), backend.f32(gate), backend.f32(y), backend.f32(out));
  return out;
}

function gatedResidualGrad({ inputs, backend }: KernelCall): TensorInfo[] {
  const { dy, gate, y } = inputs;
  const [n, t, d] = y.shape;
  const outputs = [backend.output(gate.shape), backend.output(y.shape)];
  const [dys, gates, ys] = [dy, gate, y].map((input) => backend.f32(input));
  const [dgate, dbranch] = outputs.map((output) => backend.f32(output));
  backend.addon.gatedResidualGrad(n, t, d, dys, gates, ys, dgate, dbranch);
  return outputs;
}

/** Sizes and scalars of an attention in the addon's order. */
function sizesOf({ inputs, attrs }: KernelCall): [number, number, number, number, number, number] {
  const [n, t, d] = inputs.q.shape;
  return [n, t, inputs.k.shape[1], d, attrs.heads as number, attrs.scale as number];
}

function attention(call: KernelCall): TensorInfo[] {
  const { inputs, backend } = call;
  const sizes = sizesOf(call);
  const [n, t, , , heads] = sizes;
  const outputs = [backend.output(inputs.q.shape), backend.output([n, heads, t])];
  const [q, k, v] = [inputs.q, inputs.k, inputs.v].map((input) => backend.f32(input));
  const [out, state] = outputs.map((output) => backend.f32(output));
  backend.addon.attention(...sizes, q, k, v, out, state);
  return outputs;
}

function attentionGrad(call: KernelCall): TensorInfo[] {
  const { inputs, backend } = call;
  const outputs = [inputs.q, inputs.k, inputs.v].map(({ shape }) => backend.output(shape));
  const values = (name: string): Float32Array => backend.f32(inputs[name]);
  const [dq, dk, dv] = outputs.map((output) => backend.f32(output));
  const saved = [values('dy'), values('q'), values('k'), values('v'), values('out'), values('state0')] as const;
  backend.addon.attentionGrad(...sizesOf(call), ...saved, dq, dk, dv);
  return outputs;
}

/** The fused kernels of a transformer block, as docs/kernels.md of `@learngene/nn` lists them, and softmax. */
export const transformerKernels: KernelTable = {
  Softmax: softmax('Softmax'),
  LogSoftmax: softmax('LogSoftmax'),
  LearngeneGelu: map('gelu'),
  LearngeneGeluGrad: mapGrad('geluGrad'),
  LearngeneSilu: map('silu'),
  LearngeneSiluGrad: mapGrad('siluGrad'),
  LearngeneLayerNorm: layerNorm,
  LearngeneLayerNormGrad: layerNormGrad,
  LearngeneLayerNormModulate: layerNormModulate,
  LearngeneLayerNormModulateGrad: layerNormModulateGrad,
  LearngeneGatedResidual: gatedResidual,
  LearngeneGatedResidualGrad: gatedResidualGrad,
  LearngeneAttention: attention,
  LearngeneAttentionGrad: attentionGrad,
};
