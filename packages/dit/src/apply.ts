import { applyLinear, attention, layerNormModulate, silu } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import { type ApplyLinear, type BlockLayers, blockLayers, denseLayers, subTree } from './apply-linear';
import { checkObject, checkOptions } from './arguments';
import { checkInputs, checkLabels, type DitInputs } from './check';
import type { DitConfig } from './config';
import type { DitBaseParams } from './params';
import { patchify, unpatchify } from './patch';
import { positionTable } from './position';
import { gatherRows } from './rows';
import { gridSize, outChannels, TIMESTEP_DIMS, tokenCount } from './sizes';
import { timestepEmbedding } from './timestep';

/** Settings of {@link applyDit}. */
export interface ApplyDitOptions {
  /** The configuration that the parameters were made for; trusted, see `validateDitConfig`. */
  readonly config: DitConfig;
  /** Applies the six main linear layers of every block and their epilogues (default: dense layers). */
  readonly linear?: ApplyLinear;
  /** Embeds the labels, [N] to [N, D]; rows of `label.table` by default. Called inside a tidy. */
  readonly embedLabels?: (labels: Int32Array) => tf.Tensor2D;
}

const NORM_EPS = 1e-6;

/**
 * The Diffusion Transformer with adaLN-Zero blocks (Peebles & Xie 2023, section 3.2).
 *
 * Axes: N samples, T tokens, D hidden width, H W C the input, p patch side.
 *
 * @param params - see `DitParams`; never disposed.
 * @param inputs - noisy images, timesteps and labels, see `DitInputs`; never disposed.
 * @returns f32 [N, H, W, Cout], Cout = C, or 2C with `learnSigma`: the prediction, then the variance channels. Owned by
 *   the caller. Differentiable in the parameters and in x.
 * @throws when the inputs do not fit the config
 */
export function applyDit(params: DitBaseParams, inputs: DitInputs, options: ApplyDitOptions): tf.Tensor4D {
  checkObject('params', params);
  checkOptions(options, ['config', 'linear', 'embedLabels']);
  checkObject('config', options.config);
  const { config, embedLabels = tableOf(params, config) } = options;
  const layers = options.linear ? blockLayers(options.linear) : denseLayers;
  checkInputs(inputs, config);
  return tf.tidy(() => {
    const { patchSize, hiddenSize: D, depth } = config;
    const position = tf.tensor3d(positionTable(D, gridSize(config)), [1, tokenCount(config), D]); // [1, T, D]
    const patches = applyLinear(params.patch, patchify(inputs.x, patchSize)); // [N, T, D]
    let x = tf.add(patches, position) as tf.Tensor3D; // [N, T, D]

    const sinusoids = timestepEmbedding(inputs.t, { dims: TIMESTEP_DIMS, shift: config.frequencyShift }); // [N, 256]
    const time = applyLinear(params.time.out, silu(applyLinear(params.time.in, sinusoids))); // [N, D]
    const condition = silu(tf.add(time, embedLabels(inputs.labels))); // [N, D], shared by all adaLN layers

    for (let block = 0; block < depth; block++)
      x = applyBlock(params.blocks[block], x, condition, { config, layers, path: `blocks.${block}` }); // [N, T, D]

    const [shift, scale] = modulation(params.final.adaln, condition, 2); // each [N, D]
    const head = layerNormModulate(x, shift, scale, { eps: NORM_EPS }); // [N, T, D]
    const out = applyLinear(params.final.linear, head) as tf.Tensor3D; // [N, T, p·p·Cout]
    return unpatchify(out, { patchSize, channels: outChannels(config) }); // [N, H, W, Cout]
  });
}

function applyBlock(
  { adaln, attn, mlp }: DitBaseParams['blocks'][string],
  x: tf.Tensor3D,
  condition: tf.Tensor,
  { config, layers, path }: { config: DitConfig; layers: BlockLayers; path: string },
): tf.Tensor3D {
  const [shift1, scale1, gate1, shift2, scale2, gate2] = modulation(adaln, condition, 6); // each [N, D]

  const a = layerNormModulate(x, shift1, scale1, { eps: NORM_EPS }); // [N, T, D]
  const parts = ['q', 'k', 'v'];
  const trees = parts.map((name) => subTree(attn, name));
  const names = parts.map((name) => `${path}.attn.${name}`);
  const [q, k, v] = layers.together(trees, a, names); // each [N, T, D]
  const mixed = attention(q, k, v, { heads: config.heads }); // [N, T, D]
  const y = layers.linear(subTree(attn, 'o'), mixed, `${path}.attn.o`, { x, gate: gate1 }); // [N, T, D]

  const m = layerNormModulate(y, shift2, scale2, { eps: config.mlpNormEps }); // [N, T, D]
  return layers.mlp(mlp, m, `${path}.mlp`, { x: y, gate: gate2 }); // [N, T, D]
}

/** The parts of an adaLN layer's output: `parts` tensors [N, D]. */
function modulation(adaln: DitBaseParams['final']['adaln'], condition: tf.Tensor, parts: number): tf.Tensor2D[] {
  return tf.split(applyLinear(adaln, condition) as tf.Tensor2D, parts, 1);
}

function tableOf(params: DitBaseParams, config: DitConfig): (labels: Int32Array) => tf.Tensor2D {
  const table = params.label?.table as tf.Tensor2D | undefined;
  if (!table) throw new Error('params: expected label.table (or an `embedLabels` argument), got none');
  return (labels) => {
    checkLabels(labels, config);
    return gatherRows(table, labels);
  };
}
