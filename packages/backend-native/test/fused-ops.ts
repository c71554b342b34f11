// The fused ops: their kernels on native, and what they compute in plain ops of tfjs, for the cpu backend.
import type { NamedAttrMap, NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { random } from './against-cpu';

/** Sizes that the ops take what they need of. */
export interface Sizes {
  readonly samples: number;
  readonly tokens: number;
  readonly width: number;
  readonly other: number;
  readonly heads: number;
}

/** One fused op. */
export interface FusedOp {
  /** Random inputs, all differentiable. */
  readonly inputs: (sizes: Sizes, seed: number) => NamedTensorMap;
  /** The formula in ops of tfjs. */
  readonly formula: (inputs: NamedTensorMap, sizes: Sizes) => Tensor;
  /** The kernel: the result, then what the gradient needs. */
  readonly forward: (inputs: NamedTensorMap, sizes: Sizes) => Tensor[];
  /** The gradients by the names of inputs, from dy and what `forward` gave. */
  readonly backward: (dy: Tensor, inputs: NamedTensorMap, outputs: Tensor[], sizes: Sizes) => NamedTensorMap;
}

/** Runs a kernel; always a list. */
export function run(name: string, inputs: NamedTensorMap, attrs: NamedAttrMap = {}): Tensor[] {
  const result = tf.engine().runKernel(name, inputs, attrs) as Tensor | Tensor[];
  return Array.isArray(result) ? result : [result];
}

const gelu = (x: Tensor) =>
  tf.mul(x, tf.sigmoid(tf.mul(2 * Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.pow(x, 3))))));

function normalised(x: Tensor, eps: number): Tensor {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  return tf.div(centred, tf.sqrt(tf.add(tf.mean(tf.square(centred), -1, true), eps)));
}

const perSample = (x: Tensor) => tf.expandDims(x, 1);
const rows = (x: Tensor) => tf.reshape(x, [x.size / Math.max(x.shape[x.rank - 1], 1), x.shape[x.rank - 1]]);

function product(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  return tf.reshape(tf.add(tf.matMul(rows(x), weight, false, true), bias), [...x.shape.slice(0, -1), weight.shape[0]]);
}

function elementwise(name: string, formula: (x: Tensor) => Tensor): FusedOp {
  return {
    inputs: ({ samples, tokens, width }, seed) => ({ x: random([samples, tokens, width], seed, -5, 5) }),
    formula: ({ x }) => formula(x),
    forward: ({ x }) => run(name, { x }),
    backward: (dy, { x }) => ({ x: run(`${name}Grad`, { dy, x })[0] }),
  };
}

const linearInputs = ({ samples, tokens, width, other }: Sizes, seed: number) => ({
  x: random([samples, tokens, width], seed),
  weight: random([other, width], seed + 1),
  bias: random([other], seed + 2),
});

function linearGrads(dy: Tensor, x: Tensor): NamedTensorMap {
  return { weight: run('LearngeneLinearWeightGrad', { dy, x })[0], bias: run('LearngeneColumnSums', { x: dy })[0] };
}

function lowRankInputs({ width, other }: Sizes, rank: number, seed: number, suffix = '') {
  return {
    [`u${suffix}`]: random([other, rank], seed),
    [`s${suffix}`]: random([rank], seed + 1),
    [`v${suffix}`]: random([width, rank], seed + 2),
  };
}

function lowRank(x: Tensor, u: Tensor, s: Tensor, v: Tensor): Tensor {
  return tf.matMul(tf.mul(tf.matMul(rows(x), v), s), u, false, true);
}

/** The first half of the samples use one tailor of rank 2, the last sample one of rank 3. */
function segmentsOf({ samples }: Sizes) {
  const half = Math.max(1, Math.floor(samples / 2));
  return samples > half ? { starts: [0, samples - 1], ends: [half, samples] } : { starts: [0], ends: [half] };
}

function attentionFormula({ q, k, v }: NamedTensorMap, heads: number): Tensor {
  const split = (x: Tensor) => {
    const [n, t, d] = x.shape as [number, number, number];
    return tf.transpose(tf.reshape(x, [n, t, heads, d / heads]), [0, 2, 1, 3]);
  };
  const logits = tf.mul(
    tf.matMul(split(q), split(k), false, true),
    1 / Math.sqrt(q.size / (q.shape[0] * q.shape[1]!) / heads),
  );
  return tf.reshape(tf.transpose(tf.matMul(tf.softmax(logits), split(v)), [0, 2, 1, 3]), q.shape);
}

const groupedLowRank: FusedOp = {
  inputs: (sizes, seed) => {
    const { samples, tokens, width, other } = sizes;
    const own = segmentsOf(sizes).starts.map((_, i) => lowRankInputs(sizes, 2 + i, seed + 10 * (i + 1), `${i}`));
    const x = random([samples, tokens, width], seed);
    return Object.assign(
      { x, ...lowRankInputs(sizes, 5, seed + 5), bias: random([other], seed + 8) },
      ...own,
    ) as NamedTensorMap;
  },
  formula: (inputs, sizes) => {
    const { x, u, s, v, bias } = inputs;
    const shape = [sizes.samples, sizes.tokens, sizes.other];
    const common = tf.add(tf.reshape(lowRank(x, u, s, v), shape), bias);
    const { starts, ends } = segmentsOf(sizes);
    return starts.reduce<Tensor>((sum, start, i) => {
      const part = tf.slice(x, start, ends[i] - start);
      const own = lowRank(part, inputs[`u${i}`], inputs[`s${i}`], inputs[`v${i}`]);
      const placed = tf.reshape(own, [ends[i] - start, sizes.tokens, sizes.other]);
      return tf.add(
        sum,
        tf.pad(placed, [
          [start, sizes.samples - ends[i]],
          [0, 0],
          [0, 0],
        ]),
      );
    }, common);
  },
  forward: (inputs, sizes) => run('LearngeneGroupedLowRank', inputs, segmentsOf(sizes)),
  backward: (dy, inputs, [, state0], sizes) => {
    const grads = run('LearngeneGroupedLowRankGrad', { dy, ...inputs, state0 }, segmentsOf(sizes));
    return Object.fromEntries(Object.keys(inputs).map((name, i) => [name, grads[i]]));
  },
};

/** A gated layer and what follows it, in one kernel. */
function groupedLowRankEnd(residual: boolean): FusedOp {
  const split = ({ stream, gate, ...layer }: NamedTensorMap) => ({ stream, gate, layer });
  return {
    inputs: (sizes, seed) => {
      const { samples, tokens, other } = sizes;
      const layer = groupedLowRank.inputs(sizes, seed);
      if (!residual) return layer;
      return { ...layer, stream: random([samples, tokens, other], seed + 6), gate: random([samples, other], seed + 7) };
    },
    formula: (inputs, sizes) => {
      const { stream, gate, layer } = split(inputs);
      const y = groupedLowRank.formula(layer, sizes);
      return residual ? tf.add(stream, tf.mul(perSample(gate), y)) : gelu(y);
    },
    forward: (inputs, sizes) => run('LearngeneGroupedLowRankEpilogue', inputs, { ...segmentsOf(sizes), keep: true }),
    backward: (dy, inputs, [, y, state0], sizes) => {
      const { gate, layer } = split(inputs);
      if (!residual) {
        const [dlayer] = run('LearngeneGeluGrad', { dy, x: y });
        return groupedLowRank.backward(dlayer, layer, [y, state0], sizes);
      }
      const [dgate, dlayer] = run('LearngeneGatedResidualGrad', { dy, gate, y });
      return { ...groupedLowRank.backward(dlayer, layer, [y, state0], sizes), stream: tf.clone(dy), gate: dgate };
    },
  };
}

/** Every fused op with a gradient. */
export const fusedOps: Readonly<Record<string, FusedOp>> = {
  gelu: elementwise('LearngeneGelu', gelu),
  silu: elementwise('LearngeneSilu', (x) => tf.mul(x, tf.sigmoid(x))),
  layerNorm: {
    inputs: ({ samples, tokens, width }, seed) => ({
      x: random([samples, tokens, width], seed),
      weight: random([width], seed + 1),
      bias: random([width], seed + 2),
    }),
    formula: ({ x, weight, bias }) => tf.add(tf.mul(normalised(x, 1e-3), weight), bias),
    forward: (inputs) => run('LearngeneLayerNorm', inputs, { eps: 1e-3 }),
    backward: (dy, { x, weight }, [, state0]) => {
      const [dx, dweight, dbias] = run('LearngeneLayerNormGrad', { dy, x, weight, state0 }, { eps: 1e-3 });
      return { x: dx, weight: dweight, bias: dbias };
    },
  },
  layerNormModulate: {
    inputs: ({ samples, tokens, width }, seed) => ({
      x: random([samples, tokens, width], seed),
      shift: random([samples, width], seed + 1),
      scale: random([samples, width], seed + 2),
    }),
    formula: ({ x, shift, scale }) =>
      tf.add(tf.mul(normalised(x, 1e-3), tf.add(1, perSample(scale))), perSample(shift)),
    forward: (inputs) => run('LearngeneLayerNormModulate', inputs, { eps: 1e-3 }),
    backward: (dy, { x, scale }, [, state0]) => {
      const [dx, dshift, dscale] = run('LearngeneLayerNormModulateGrad', { dy, x, scale, state0 }, { eps: 1e-3 });
      return { x: dx, shift: dshift, scale: dscale };
    },
  },
  gatedResidual: {
    inputs: ({ samples, tokens, width }, seed) => ({
      x: random([samples, tokens, width], seed),
      gate: random([samples, width], seed + 1),
      y: random([samples, tokens, width], seed + 2),
    }),
    formula: ({ x, gate, y }) => tf.add(x, tf.mul(perSample(gate), y)),
    forward: (inputs) => run('LearngeneGatedResidual', inputs),
    backward: (dy, { gate, y }) => {
      const [dgate, dbranch] = run('LearngeneGatedResidualGrad', { dy, gate, y });
      return { x: tf.clone(dy), gate: dgate, y: dbranch };
    },
  },
  attention: {
    inputs: ({ samples, tokens, width, other, heads }, seed) => ({
      q: random([samples, tokens, width * heads], seed),
      k: random([samples, other, width * heads], seed + 1),
      v: random([samples, other, width * heads], seed + 2),
    }),
    formula: (inputs, { heads }) => attentionFormula(inputs, heads),
    forward: (inputs, { heads, width }) => run('LearngeneAttention', inputs, { heads, scale: 1 / Math.sqrt(width) }),
    backward: (dy, inputs, [out, state0], { heads, width }) => {
      const attrs = { heads, scale: 1 / Math.sqrt(width) };
      const [q, k, v] = run('LearngeneAttentionGrad', { dy, ...inputs, out, state0 }, attrs);
      return { q, k, v };
    },
  },
  linear: {
    inputs: linearInputs,
    formula: ({ x, weight, bias }) => product(x, weight, bias),
    forward: (inputs) => run('LearngeneLinear', inputs),
    backward: (dy, { x, weight }) => ({
      x: run('LearngeneLinearInputGrad', { dy, weight })[0],
      ...linearGrads(dy, x),
    }),
  },
  linearOfGelu: {
    inputs: linearInputs,
    formula: ({ x, weight, bias }) => product(gelu(x), weight, bias),
    forward: ({ x, weight, bias }) => {
      const [hidden] = run('LearngeneGelu', { x });
      return [...run('LearngeneLinear', { x: hidden, weight, bias }), hidden];
    },
    backward: (dy, { x, weight }, [, hidden]) => ({
      x: run('LearngeneLinearGeluInputGrad', { dy, weight, pre: x })[0],
      ...linearGrads(dy, hidden),
    }),
  },
  linearGelu: {
    inputs: linearInputs,
    formula: ({ x, weight, bias }) => gelu(product(x, weight, bias)),
    forward: (inputs) => run('LearngeneLinearGelu', inputs),
    backward: (dy, { x, weight }, [, pre]) => {
      const [dpre] = run('LearngeneGeluGrad', { dy, x: pre });
      return { x: run('LearngeneLinearInputGrad', { dy: dpre, weight })[0], ...linearGrads(dpre, x) };
    },
  },
  linearGatedResidual: {
    inputs: (sizes, seed) => {
      const { samples, tokens, other } = sizes;
      const { x: input, weight, bias } = linearInputs(sizes, seed);
      const [x, gate] = [random([samples, tokens, other], seed + 3), random([samples, other], seed + 4)];
      return { x, gate, input, weight, bias };
    },
    formula: ({ x, gate, input, weight, bias }) => tf.add(x, tf.mul(perSample(gate), product(input, weight, bias))),
    forward: (inputs) => run('LearngeneLinearGatedResidual', inputs),
    backward: (dy, { gate, input, weight }, [, branch]) => {
      const [dgate, dbranch] = run('LearngeneGatedResidualGrad', { dy, gate, y: branch });
      const dinput = run('LearngeneLinearInputGrad', { dy: dbranch, weight })[0];
      return { x: tf.clone(dy), gate: dgate, input: dinput, ...linearGrads(dbranch, input) };
    },
  },
  groupedLowRank,
  groupedLowRankGelu: groupedLowRankEnd(false),
  groupedLowRankGatedResidual: groupedLowRankEnd(true),
};
