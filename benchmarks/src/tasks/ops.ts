import {
  adamWEmaStep,
  adamWStep,
  attention,
  disposeParams,
  disposeReplacedParams,
  gelu,
  groupNorm,
  initAdamW,
  layerNormModulate,
  type ParamTree,
  registerGradients,
} from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import { patternTensor, summary } from './pattern';
import type { ConvSpec, GroupNormSpec, MatmulSpec, TokensSpec } from './specs';
import type { WorkItem } from './task';

type Tensors = readonly tf.Tensor[];

/** An operation and, with `backward`, the gradient of all inputs for a given gradient of the output. */
function item(inputs: tf.Tensor[], op: (inputs: Tensors) => tf.Tensor, backward = false): WorkItem {
  if (backward) registerGradients();
  const first = op(inputs);
  const dy = patternTensor(first.shape, 9);
  first.dispose();
  const compute = (): tf.Tensor[] => {
    if (!backward) return [op(inputs)];
    const { value, grads } = tf.engine().gradients(() => op(inputs), inputs, dy);
    return [value, ...grads];
  };
  return {
    run: () => tf.dispose(compute()),
    check: async () => {
      const results = compute();
      const numbers = await Promise.all(results.map(summary));
      tf.dispose(results);
      return numbers.flat();
    },
    dispose: () => tf.dispose([...inputs, dy]),
  };
}

async function matmul({ layout, m, k, n, batch }: MatmulSpec): Promise<WorkItem> {
  const lead = batch ? [batch] : [];
  const a = patternTensor([...lead, ...(layout === 'TN' ? [k, m] : [m, k])], 1);
  const b = patternTensor([...lead, ...(layout === 'NT' ? [n, k] : [k, n])], 2);
  return item([a, b], ([left, right]) => tf.matMul(left, right, layout === 'TN', layout === 'NT'));
}

async function normModulate({ shape: [N, T, D], backward }: TokensSpec): Promise<WorkItem> {
  const inputs = [patternTensor([N, T, D], 1), patternTensor([N, D], 2), patternTensor([N, D], 3)];
  const op = ([x, shift, scale]: Tensors) =>
    layerNormModulate(x as tf.Tensor3D, shift as tf.Tensor2D, scale as tf.Tensor2D);
  return item(inputs, op, backward);
}

async function attend({ shape, heads, backward }: TokensSpec): Promise<WorkItem> {
  const inputs = [1, 2, 3].map((seed) => patternTensor(shape, seed));
  return item(inputs, (qkv) => attention(...(qkv as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D]), { heads }), backward);
}

async function elementwise({ op, size }: { op: 'add' | 'mul' | 'gelu'; size: number }): Promise<WorkItem> {
  const ops = {
    add: ([a, b]: Tensors) => tf.add(a, b),
    mul: ([a, b]: Tensors) => tf.mul(a, b),
    gelu: ([a]: Tensors) => gelu(a),
  };
  return item([patternTensor([size], 1), patternTensor([size], 2)], ops[op]);
}

async function adamW({ shapes }: { shapes: number[][] }): Promise<WorkItem> {
  const tree = (seed: number): ParamTree =>
    Object.fromEntries(shapes.map((shape, i) => [`p${i}`, patternTensor(shape, seed)]));
  const grads = tree(2);
  let params = tree(1);
  let state = initAdamW(params);
  const options = { learningRate: 1e-4, weightDecay: 0.01, donate: true };
  const run = () => {
    const next = adamWStep({ params, grads, state }, options);
    disposeReplacedParams([params, state.m, state.v], [next.params, next.state.m, next.state.v]);
    ({ params, state } = next);
  };
  return {
    run,
    check: async () => {
      run();
      return (await Promise.all(Object.values(params).map((leaf) => summary(leaf as tf.Tensor)))).flat();
    },
    dispose: () => tf.dispose([params, grads, state.m, state.v] as unknown as tf.TensorContainer),
  };
}

/** Clipping, AdamW and the moving average of a training step, over memory that is given up. */
async function optimizer({ shapes }: { shapes: number[][] }): Promise<WorkItem> {
  const tree = (seed: number): ParamTree =>
    Object.fromEntries(shapes.map((shape, i) => [`p${i}`, patternTensor(shape, seed)]));
  const grads = tree(2);
  let params = tree(1);
  let ema = tree(3);
  let state = initAdamW(params);
  const options = { learningRate: 1e-4, weightDecay: 0.01, clipNorm: 1, emaDecay: 0.9999, donate: true };
  const run = () => {
    const next = adamWEmaStep({ params, grads, state, ema }, options);
    disposeReplacedParams([params, state.m, state.v, ema], [next.params, next.state.m, next.state.v, next.ema]);
    ({ params, state, ema } = next);
  };
  return {
    run,
    check: async () => {
      run();
      const leaves = [...Object.values(params), ...Object.values(ema)];
      return (await Promise.all(leaves.map((leaf) => summary(leaf as tf.Tensor)))).flat();
    },
    dispose: () => {
      for (const old of [params, grads, state.m, state.v, ema]) disposeParams(old);
    },
  };
}

async function conv2d({ shape, out, backward }: ConvSpec): Promise<WorkItem> {
  const inputs = [patternTensor(shape, 1), patternTensor([3, 3, shape[3], out], 2)];
  const op = ([x, filter]: Tensors) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same');
  const whole = item(inputs, op, backward);
  if (!backward) return whole;
  const forward = item(inputs, op);
  return { ...whole, check: forward.check };
}

async function groupNormSilu({ shape, groups, backward }: GroupNormSpec): Promise<WorkItem> {
  const C = shape[3];
  const inputs = [patternTensor(shape, 1), patternTensor([C], 2), patternTensor([C], 3)];
  const op = ([x, weight, bias]: Tensors) =>
    groupNorm(x as tf.Tensor4D, {
      groups,
      weight: weight as tf.Tensor1D,
      bias: bias as tf.Tensor1D,
      activation: 'silu',
    });
  return item(inputs, op, backward);
}

/** Work items made of one operation. */
export const opTasks = {
  matmul,
  'norm-modulate': normModulate,
  attention: attend,
  elementwise,
  adamw: adamW,
  optimizer,
  conv2d,
  'group-norm': groupNormSilu,
};
