import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { leafLists } from '../ops/leaf-inputs';
import { floatsInHeap } from './heap';

type Inputs = Readonly<Record<string, TensorInfo>>;

/** `LearngeneAdamW`: one loop over every leaf in place of a dozen kernels a leaf. */
export const adamWInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const { learningRate, beta1, beta2, eps, weightDecay, step } = args.attrs as Record<string, number>;
  const { p, g, m, v } = leafLists(args.inputs as Inputs);
  const outputs = [0, 1, 2].map(() => p.map(({ shape }) => backend.makeOutput(shape, 'float32')));
  const correction = Math.sqrt(1 - beta2 ** step);
  const rate = (learningRate * correction) / (1 - beta1 ** step);
  const epsilon = eps * correction;
  const keep = 1 - learningRate * weightDecay;
  for (let leaf = 0; leaf < p.length; leaf++) {
    const [p0, g0, m0, v0] = [p, g, m, v].map((list) => floatsInHeap(backend, list[leaf]));
    const [p1, m1, v1] = outputs.map((list) => floatsInHeap(backend, list[leaf]));
    for (let i = 0; i < p0.length; i++) {
      const gradient = g0[i];
      const mean = beta1 * m0[i] + (1 - beta1) * gradient;
      const square = beta2 * v0[i] + (1 - beta2) * gradient * gradient;
      m1[i] = mean;
      v1[i] = square;
      p1[i] = keep * p0[i] - (rate * mean) / (Math.sqrt(square) + epsilon);
    }
  }
  return outputs.flat();
};

/** `LearngeneEma`: decay e + (1 - decay) p over every leaf. */
export const emaInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  const { decay } = args.attrs as Record<string, number>;
  const { e, p } = leafLists(args.inputs as Inputs);
  const outputs = e.map(({ shape }) => backend.makeOutput(shape, 'float32'));
  for (let leaf = 0; leaf < p.length; leaf++) {
    const [old, now, out] = [e[leaf], p[leaf], outputs[leaf]].map((info) => floatsInHeap(backend, info));
    for (let i = 0; i < out.length; i++) out[i] = decay * old[i] + (1 - decay) * now[i];
  }
  return outputs;
};

/** `LearngeneGlobalSquaredNorm`: the sum of squares of every leaf, in double precision. */
export const squaredNormInHeap: KernelFunc = (args) => {
  const backend = args.backend as BackendWasm;
  let sum = 0;
  for (const info of leafLists(args.inputs as Inputs).x) {
    const x = floatsInHeap(backend, info);
    for (let i = 0; i < x.length; i++) sum += x[i] * x[i];
  }
  const out = backend.makeOutput([], 'float32');
  floatsInHeap(backend, out)[0] = sum;
  return [out];
};
