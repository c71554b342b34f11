import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { UNARY } from '../addon/elementwise';
import { cpuKernel } from '../cpu-kernel';
import type { Kernel, KernelCall, KernelTable } from '../kernel';
import { forFloats, sizeOf } from './floats';
import { windowSizes } from './window';

const NONE = new Float32Array(0);
type Shape4D = [number, number, number, number];
type Padding = Parameters<typeof backend_util.computeConv2DInfo>[4];
type Rounding = Parameters<typeof backend_util.computeConv2DInfo>[5];

/** The attributes that the kernels of a convolution share. */
interface ConvAttrs {
  readonly strides: [number, number] | number;
  readonly pad: Padding;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dilations?: [number, number] | number | null;
  readonly dimRoundingMode?: Rounding;
  readonly filterShape: Shape4D;
  readonly inputShape: Shape4D;
}

function convInfo({ attrs }: KernelCall, x: number[], filter: number[], depthwise = false): backend_util.Conv2DInfo {
  const { strides, pad, dilations, dimRoundingMode } = attrs as unknown as ConvAttrs;
  const sizes = [x as Shape4D, filter as Shape4D, strides, dilations ?? 1, pad, dimRoundingMode] as const;
  return backend_util.computeConv2DInfo(...sizes, depthwise);
}

/** Channels first is left to the cpu backend. */
function channelsLast(name: string, kernel: Kernel): Kernel {
  return forFloats(name, (call) => (call.attrs.dataFormat === 'NCHW' ? cpuKernel(name, call) : kernel(call)));
}

function conv2d(call: KernelCall): TensorInfo {
  return convolve(call, {});
}

/** What follows a convolution: an empty array, or an activation of -1, is none. */
interface Ending {
  readonly bias?: Float32Array;
  readonly residual?: Float32Array;
  readonly activation?: number;
  readonly parameter?: number;
}

function convolve(
  call: KernelCall,
  { bias = NONE, residual = NONE, activation = -1, parameter = 0 }: Ending,
): TensorInfo {
  const { inputs, backend } = call;
  const { x, filter } = inputs;
  const info = convInfo(call, x.shape, filter.shape);
  const y = backend.output(info.outShape);
  const sizes = windowSizes(info, info.outChannels);
  const [xs, filters, ys] = [backend.f32(x), backend.f32(filter), backend.f32(y)];
  backend.addon.conv2d(sizes, xs, filters, ys, bias, activation, parameter, residual);
  return y;
}

/** The unary function of each activation of a fused convolution; linear has none. */
const ACTIVATIONS: Readonly<Record<string, (typeof UNARY)[number] | undefined>> = {
  relu: 'Relu',
  relu6: 'Relu6',
  elu: 'Elu',
  sigmoid: 'Sigmoid',
  leakyrelu: 'LeakyRelu',
};

function fusedConv2d(call: KernelCall) {
  const { inputs, attrs, backend } = call;
  const { bias, filter } = inputs as Partial<typeof inputs> & { filter: TensorInfo };
  const name = (attrs.activation ?? 'linear') as string;
  const known = name === 'linear' || ACTIVATIONS[name] !== undefined;
  if (!known || (bias && sizeOf(bias.shape) !== filter.shape[3])) return cpuKernel('FusedConv2D', call);
  const activation = name === 'linear' ? -1 : UNARY.indexOf(ACTIVATIONS[name] as 'Relu');
  const parameter = Number(attrs.leakyreluAlpha ?? 0);
  return convolve(call, { bias: bias ? backend.f32(bias) : NONE, activation, parameter });
}

/** {x, filter, bias? [O], residual? as y}, those of Conv2D and activation -> y = activation(x * filter + bias + residual). */
function learngeneConv2d(call: KernelCall): TensorInfo {
  const { inputs, attrs, backend } = call;
  const { bias, residual } = inputs as Partial<Record<'bias' | 'residual', TensorInfo>>;
  const names: Readonly<Record<string, number>> = {
    linear: -1,
    relu: UNARY.indexOf('Relu'),
    silu: UNARY.indexOf('Silu'),
  };
  const activation = names[attrs.activation as string];
  if (activation === undefined) {
    throw new Error(`activation: expected one of ${Object.keys(names).join(', ')}, got '${attrs.activation}'`);
  }
  const ends = { bias: bias && backend.f32(bias), residual: residual && backend.f32(residual) };
  return convolve(call, { ...ends, activation });
}

/** {dy, y [..., D]} -> [dx = dy where y > 0, the sums of dx over all axes but the last [D]]. */
function reluGrad({ inputs, backend }: KernelCall): TensorInfo[] {
  const { dy, y } = inputs;
  const outputs = [backend.output(y.shape), backend.output([y.shape[y.shape.length - 1]])];
  const [dx, sums] = outputs.map((output) => backend.f32(output));
  backend.addon.reluGrad(backend.f32(dy), backend.f32(y), dx, sums);
  return outputs;
}

function conv2dInputGrad(call: KernelCall): TensorInfo {
  const { inputs, attrs, backend } = call;
  const { dy, filter } = inputs;
  const info = convInfo(call, attrs.inputShape as number[], filter.shape);
  const dx = backend.output(info.inShape);
  const sizes = windowSizes(info, info.outChannels);
  backend.addon.conv2dInputGrad(sizes, backend.f32(dy), backend.f32(filter), backend.f32(dx));
  return dx;
}

function conv2dFilterGrad(call: KernelCall): TensorInfo {
  const { inputs, attrs, backend } = call;
  const { x, dy } = inputs;
  const info = convInfo(call, x.shape, attrs.filterShape as number[]);
  const dw = backend.output(info.filterShape);
  const sizes = windowSizes(info, info.outChannels);
  backend.addon.conv2dFilterGrad(sizes, backend.f32(x), backend.f32(dy), backend.f32(dw));
  return dw;
}

function multiplier({ outChannels, inChannels }: backend_util.Conv2DInfo): number {
  return outChannels / inChannels;
}

function depthwise(call: KernelCall): TensorInfo {
  const { inputs, backend } = call;
  const { x, filter } = inputs;
  const info = convInfo(call, x.shape, filter.shape, true);
  const y = backend.output(info.outShape);
  const sizes = windowSizes(info, multiplier(info));
  backend.addon.depthwise(sizes, backend.f32(x), backend.f32(filter), backend.f32(y));
  return y;
}

function depthwiseInputGrad(call: KernelCall): TensorInfo {
  const { inputs, attrs, backend } = call;
  const { dy, filter } = inputs;
  const info = convInfo(call, attrs.inputShape as number[], filter.shape, true);
  const dx = backend.output(info.inShape);
  const sizes = windowSizes(info, multiplier(info));
  backend.addon.depthwiseInputGrad(sizes, backend.f32(dy), backend.f32(filter), backend.f32(dx));
  return dx;
}

function depthwiseFilterGrad(call: KernelCall): TensorInfo {
  const { inputs, attrs, backend } = call;
  const { x, dy } = inputs;
  const info = convInfo(call, x.shape, attrs.filterShape as number[], true);
  const dw = backend.output(info.filterShape);
  const sizes = windowSizes(info, multiplier(info));
  backend.addon.depthwiseFilterGrad(sizes, backend.f32(x), backend.f32(dy), backend.f32(dw));
  return dw;
}

/** Convolutions of images [N, H, W, C] in Rust; channels first and other types by the cpu backend. */
export const convKernels: KernelTable = {
  LearngeneConv2d: learngeneConv2d,
  LearngeneReluGrad: reluGrad,
  Conv2D: channelsLast('Conv2D', conv2d),
  FusedConv2D: channelsLast('FusedConv2D', fusedConv2d),
  Conv2DBackpropInput: channelsLast('Conv2DBackpropInput', conv2dInputGrad),
  Conv2DBackpropFilter: channelsLast('Conv2DBackpropFilter', conv2dFilterGrad),
  DepthwiseConv2dNative: channelsLast('DepthwiseConv2dNative', depthwise),
  DepthwiseConv2dNativeBackpropInput: channelsLast('DepthwiseConv2dNativeBackpropInput', depthwiseInputGrad),
  DepthwiseConv2dNativeBackpropFilter: channelsLast('DepthwiseConv2dNativeBackpropFilter', depthwiseFilterGrad),
};
