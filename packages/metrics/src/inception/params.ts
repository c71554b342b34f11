import type { ConvParams, ParamTree } from '@learngene/nn';
import { unflattenParams } from '@learngene/nn';
import { firstNonFinite, type NamedTensors, type TensorData, toFloat32 } from '@learngene/tensor-io';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { INCEPTION_CLASSES, type InceptionConv, inceptionConvs, POOL3 } from './architecture';

/** The convolutions of a block by name, each with its batch normalisation folded in. */
export type InceptionBlock = Readonly<Record<string, ConvParams>>;

/**
 * Parameters of Inception v3: the convolutions of the stem, the blocks `Mixed_5b` to `Mixed_7c`, and the classifier. Every
 * convolution has its batch normalisation folded in: weight [rows, columns, in, out] and bias [out].
 */
export interface InceptionParams extends ParamTree {
  /** The classifier. */
  readonly fc: Readonly<{
    /** float32 [1008, 2048]. */
    weight: Tensor2D;
    /** float32 [1008]. */
    bias: Tensor1D;
  }>;
}

/** The ε of every batch normalisation. */
const EPSILON = 1e-3;
/** Statistics that training counts and nothing reads. */
const COUNTER = /\.bn\.num_batches_tracked$/;

type Values = ReadonlyMap<string, Float32Array>;

/** Names and shapes of the state dict that {@link inceptionParams} takes, in torch's order. */
export function inceptionShapes(): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const [name, { in: inputs, out, kernel }] of inceptionConvs) {
    shapes.set(`${name}.conv.weight`, [out, inputs, ...kernel]);
    for (const part of ['weight', 'bias', 'running_mean', 'running_var']) shapes.set(`${name}.bn.${part}`, [out]);
  }
  shapes.set('fc.weight', [INCEPTION_CLASSES, POOL3]);
  return shapes.set('fc.bias', [INCEPTION_CLASSES]);
}

function refuse(file: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  const shown = problems.slice(0, 4).join('; ');
  const rest = problems.length > 4 ? `; and ${problems.length - 4} more` : '';
  throw new RangeError(`${file}: expected the Inception v3 of FID (2015-12-05, 1008 classes): ${shown}${rest}`);
}

/** Throws where a tensor is missing, unknown or of another shape. */
function checkShapes(file: string, tensors: NamedTensors): void {
  const shapes = inceptionShapes();
  const unknown = [...tensors.keys()].filter((name) => !shapes.has(name) && !COUNTER.test(name));
  const problems = unknown.map((name) => `${name}: not a tensor of this network`);
  for (const [name, shape] of shapes) {
    const tensor = tensors.get(name);
    if (tensor === undefined) problems.push(`${name}: missing`);
    else if (tensor.shape.join() !== shape.join()) {
      problems.push(`${name}: expected [${shape.join(', ')}], got [${tensor.shape.join(', ')}]`);
    }
  }
  refuse(file, problems);
}

/** Reads every tensor, and throws where one is not finite. */
function readValues(file: string, tensors: NamedTensors): Values {
  const values = new Map<string, Float32Array>();
  const problems: string[] = [];
  for (const name of inceptionShapes().keys()) {
    const tensor = tensors.get(name) as TensorData;
    const data = toFloat32(tensor);
    const broken = firstNonFinite(tensor) ?? -1;
    if (broken >= 0) problems.push(`${name}: expected finite values, got ${data[broken]}`);
    const below = name.endsWith('running_var') ? data.find((value) => value < 0) : undefined;
    if (below !== undefined) problems.push(`${name}: expected variances of at least 0, got ${below}`);
    values.set(name, data);
  }
  refuse(file, problems);
  return values;
}

/**
 * Parameters of Inception v3 from a state dict under the names of torchvision, as the files of pytorch-fid
 * (`pt_inception-2015-12-05-6726825d.pth`) and torch-fidelity (`weights-inception-2015-12-05-6726825d.pth`) have it. Batch
 * normalisation is folded into the convolutions in float64.
 *
 * @param file The name in errors.
 * @returns Parameters that the caller owns.
 * @throws RangeError for a tensor that is missing, unknown, of another shape, or not finite; torchvision's own Inception,
 *   of 1000 classes, is another network.
 */
export function inceptionParams(file: string, tensors: NamedTensors): InceptionParams {
  checkShapes(file, tensors);
  const values = readValues(file, tensors);
  const leaves = new Map<string, Tensor>();
  for (const [name, conv] of inceptionConvs) {
    const { weight, bias } = folded(name, conv, values);
    leaves.set(`${name}.weight`, tf.tensor4d(weight, [...conv.kernel, conv.in, conv.out]));
    leaves.set(`${name}.bias`, tf.tensor1d(bias));
  }
  const of = (name: string) => (values.get(name) as Float32Array).slice();
  leaves.set('fc.weight', tf.tensor2d(of('fc.weight'), [INCEPTION_CLASSES, POOL3]));
  leaves.set('fc.bias', tf.tensor1d(of('fc.bias')));
  return unflattenParams(leaves) as InceptionParams;
}

/** γ (w x - μ) / √(σ² + ε) + β as a convolution: weight [rows, columns, in, out] and bias [out]. */
function folded(name: string, { in: inputs, out, kernel }: InceptionConv, values: Values) {
  const of = (part: string) => values.get(`${name}.${part}`) as Float32Array;
  const [weights, gamma, beta] = [of('conv.weight'), of('bn.weight'), of('bn.bias')];
  const [mean, variance] = [of('bn.running_mean'), of('bn.running_var')];
  const scale = Float64Array.from(gamma, (value, o) => value / Math.sqrt(variance[o] + EPSILON));
  const taps = kernel[0] * kernel[1];
  const weight = new Float32Array(weights.length);
  for (let o = 0, from = 0; o < out; o++) {
    for (let c = 0; c < inputs; c++) {
      for (let tap = 0; tap < taps; tap++, from++) weight[(tap * inputs + c) * out + o] = weights[from] * scale[o];
    }
  }
  return { weight, bias: Float32Array.from(beta, (value, o) => value - mean[o] * scale[o]) };
}
