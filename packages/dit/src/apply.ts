import {
  applyLinear,
  applyLinearEnd,
  attention,
  type LinearEnd,
  type LinearParams,
  layerNormModulate,
  type ParamTree,
  residualLinear,
  residualMlp,
  silu,
} from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import { checkObject, checkOptions } from './arguments';
import { checkInputs, checkLabels, type DitInputs } from './check';
import type { DitConfig } from './config';
import type { DitBaseParams } from './params';
import { patchify, unpatchify } from './patch';
import { positionTable } from './position';
import { gatherRows } from './rows';
import { gridSize, outChannels, TIMESTEP_DIMS, tokenCount } from './sizes';
import { timestepEmbedding } from './timestep';

/**
 * How a main linear layer is applied: `params` is the sub-tree at `name` ('blocks.3.attn.q'; empty where the tree has
 * none), x is [N, T, in] and the result [N, T, out], see `linearShape`. Called inside a tidy.
 */
export type ApplyLinear = (params: ParamTree, x: tf.Tensor3D, name: string) => tf.Tensor3D;

/**
 * As {@link ApplyLinear}, with what follows the layer: GELU after 'mlp.in' ([N, T, M]), x + gate y after 'attn.o' and
 * 'mlp.out' ([N, T, D]).
 */
export type ApplyLinearWithEnd = (params: ParamTree, x: tf.Tensor3D, name: string, end: LinearEnd) => tf.Tensor3D;

/** Settings of {@link applyDit}. */
export type ApplyDitOptions = {
  /** The configuration that the parameters were made for; trusted, see `validateDitConfig`. */
  readonly config: DitConfig;
  /** Applies the six main linear layers of every block; dense by default. */
  readonly linear?: ApplyLinear;
  /** For layers that do what follows them too: used beside `linear`; by default `applyLinearEnd` of its result. */
  readonly linearWithEnd?: ApplyLinearWithEnd;
  /** Embeds the labels, [N] to [N, D]; rows of `label.table` by default. Called inside a tidy. */
  readonly embedLabels?: (labels: Int32Array) => tf.Tensor2D;
};

const NORM_EPS = 1e-6;

/**
 * The Diffusion Transformer with adaLN-Zero blocks (Peebles & Xie 2023, section 3.2).
 *
 * Axes: N samples, T tokens, D hidden width, H W C the input, p patch side.
 *
 * @param params - see `DitParams`; never disposed.
 * @param inputs - noisy images, timesteps and labels, see `DitInputs`; never disposed.
 * @returns f32 [N, H, W, Cout], Cout = C, or 2C with `learnSigma`: the prediction, then the variance channels. Owned by
 *   the caller. Differentiable in the parameters and in x. Throws when the inputs do not fit the config.
 */
export function applyDit(params: DitBaseParams, inputs: DitInputs, options: ApplyDitOptions): tf.Tensor4D {
  checkObject('params', params);
  checkOptions(options, ['config', 'linear', 'linearWithEnd', 'embedLabels']);
  checkObject('config', options.config);
  const { config, embedLabels = tableOf(params, config) } = options;
  checkInputs(inputs, config);
  return tf.tidy(() => {
    const { patchSize, hiddenSize: D, depth } = config;
    const position = tf.tensor3d(positionTable(D, gridSize(config)), [1, tokenCount(config), D]); // [1, T, D]
    const patches = applyLinear(params.patch, patchify(inputs.x, patchSize)); // [N, T, D]
    let x = tf.add(patches, position) as tf.Tensor3D; // [N, T, D]

    const sinusoids = timestepEmbedding(inputs.t, { dims: TIMESTEP_DIMS, shift: config.frequencyShift }); // [N, 256]
    const time = applyLinear(params.time.out, silu(applyLinear(params.time.in, sinusoids))); // [N, D]
    const condition = silu(tf.add(time, embedLabels(inputs.labels))); // [N, D], shared by all adaLN layers

    for (let block = 0; block < depth; block++) x = applyBlock(params, x, condition, block, options); // [N, T, D]

    const [shift, scale] = modulation(params.final.adaln, condition, 2); // each [N, D]
    const head = layerNormModulate(x, shift, scale, { eps: NORM_EPS }); // [N, T, D]
    const out = applyLinear(params.final.linear, head) as tf.Tensor3D; // [N, T, p·p·Cout]
    return unpatchify(out, { patchSize, channels: outChannels(config) }); // [N, H, W, Cout]
  });
}

function applyBlock(
  params: DitBaseParams,
  x: tf.Tensor3D,
  condition: tf.Tensor,
  block: number,
  { config, linear = applyDense, linearWithEnd = composed(linear) }: ApplyDitOptions,
): tf.Tensor3D {
  const { adaln, attn, mlp } = params.blocks[block];
  const layer = (parent: ParamTree | undefined, name: string) => (parent?.[name] ?? {}) as ParamTree;
  const path = `blocks.${block}`;
  const [shift1, scale1, gate1, shift2, scale2, gate2] = modulation(adaln, condition, 6); // each [N, D]

  const a = layerNormModulate(x, shift1, scale1, { eps: NORM_EPS }); // [N, T, D]
  const [q, k, v] = ['q', 'k', 'v'].map((name) => linear(layer(attn, name), a, `${path}.attn.${name}`)); // each [N, T, D]
  const mixed = attention(q, k, v, { heads: config.heads }); // [N, T, D]
  if (linear === applyDense) {
    // the same as below in fewer passes over memory
    const [o, first, last] = ['attn.o', 'mlp.in', 'mlp.out'].map((name) => denseLayer(params, block, name));
    const y = residualLinear({ x, gate: gate1, input: mixed }, o); // [N, T, D]
    const m = layerNormModulate(y, shift2, scale2, { eps: config.mlpNormEps }); // [N, T, D]
    return residualMlp({ x: y, gate: gate2, input: m }, { in: first, out: last }); // [N, T, D]
  }
  const y = linearWithEnd(layer(attn, 'o'), mixed, `${path}.attn.o`, { x, gate: gate1 }); // [N, T, D]

  const m = layerNormModulate(y, shift2, scale2, { eps: config.mlpNormEps }); // [N, T, D]
  const hidden = linearWithEnd(layer(mlp, 'in'), m, `${path}.mlp.in`, 'gelu'); // [N, T, M]
  return linearWithEnd(layer(mlp, 'out'), hidden, `${path}.mlp.out`, { x: y, gate: gate2 }); // [N, T, D]
}

function composed(linear: ApplyLinear): ApplyLinearWithEnd {
  return (params, x, name, end) => applyLinearEnd(linear(params, x, name), end);
}

/** The parts of an adaLN layer's output: `parts` tensors [N, D]. */
function modulation(adaln: DitBaseParams['final']['adaln'], condition: tf.Tensor, parts: number): tf.Tensor2D[] {
  return tf.split(applyLinear(adaln, condition) as tf.Tensor2D, parts, 1);
}

const applyDense: ApplyLinear = (params, x, name) => applyLinear(checkedLayer(params, name), x) as tf.Tensor3D;

function denseLayer({ blocks }: DitBaseParams, block: number, name: string): LinearParams {
  const [group, layer] = name.split('.') as ['attn' | 'mlp', string];
  return checkedLayer((blocks[block][group]?.[layer] ?? {}) as ParamTree, `blocks.${block}.${name}`);
}

function checkedLayer(params: ParamTree, name: string): LinearParams {
  const { weight, bias } = params as { weight?: tf.Tensor2D; bias?: tf.Tensor1D };
  if (!weight) throw new Error(`params: expected ${name}.weight (or a \`linear\` argument), got none`);
  return { weight, bias };
}

function tableOf(params: DitBaseParams, config: DitConfig): (labels: Int32Array) => tf.Tensor2D {
  const table = params.label?.table as tf.Tensor2D | undefined;
  if (!table) throw new Error('params: expected label.table (or an `embedLabels` argument), got none');
  return (labels) => {
    checkLabels(labels, config);
    return gatherRows(table, labels);
  };
}
