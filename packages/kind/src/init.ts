import { blockLinearNames, initDit, linearShape } from '@learngene/dit';
import { cloneParams, disposeParams } from '@learngene/nn';
import type { Generator } from '@learngene/random';
import { type FactoredParams, initFactored } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { type KindConfig, validateKindConfig } from './config';
import { labelRows } from './fresh-tailors';
import { type KindParams, mainLayers, type SharedParams } from './params';

/**
 * Fresh parameters of a KIND model, f32, owned by the caller.
 *
 * Shared parts start as DiT's (adaLN-Zero: the model's output is exactly 0). Learngenes and tailors are random orthonormal
 * u and v with equal s, scaled so that the weight composed for a class has at any rank about the Frobenius norm that DiT's
 * Xavier weight has (q, k and v as parts of one [3D, D] matrix): activations start at the usual size, no component starts
 * ahead of another, and no SVD is taken. All groups start from the same tailors, as in `kindFromDense`, so every class
 * starts as the same model. On a toy task (5 classes, D = 32, N_G = 8, N_t = 4, 3 seeds) this reached a loss of 1.34
 * after 100 steps, tailors at zero output (see `freshTailors`) 1.48, small tailors of each group's own 1.45.
 * Label rows and the null row are N(0, 0.02²). A soft gate starts at zero: all groups weigh the same.
 *
 * @param g - advances: shared parts as `initDit`, learngenes and tailors layer by layer, label rows.
 * Throws on an invalid config, naming the field, or a rank above a layer's widths.
 */
export function initKind(g: Generator, config: KindConfig): KindParams {
  validateKindConfig(config);
  const { dit, groups, learngeneRank, tailorRank } = config;
  return tf.tidy(() => {
    const shared = initShared(g, config);
    const names = blockLinearNames(dit);
    const blocks = mainLayers(names, (name) => drawComponents(g, config, { name, rank: learngeneRank, bias: true }));
    const first = mainLayers(names, (name) => drawComponents(g, config, { name, rank: tailorRank, bias: false }));
    const tailors = groups.map(({ name, classes }) => [
      name,
      { blocks: cloneParams(first), label: { rows: labelRows(g, classes.length, dit.hiddenSize) } },
    ]);
    return { shared, learngenes: { blocks }, tailors: Object.fromEntries(tailors), ...zeroGate(config) };
  });
}

/** DiT's dense parts without label table and main weights, and a null row. */
export function initShared(g: Generator, { dit }: Pick<KindConfig, 'dit'>): SharedParams {
  // One block is enough: adaLN layers start at zero, and the main weights are not used.
  const { patch, time, final, blocks, label } = initDit(g, { ...dit, depth: 1, classes: 1 });
  const { adaln, attn, mlp } = blocks[0];
  disposeParams({ label, attn, mlp });
  const all = Array.from({ length: dit.depth }, (_, i) => [i, { adaln: i === 0 ? adaln : cloneParams(adaln) }]);
  return { patch, time, label: { null: labelRows(g, 1, dit.hiddenSize) }, blocks: Object.fromEntries(all), final };
}

/** Components of one main layer, each with the same share of Xavier's energy 2 in out / (in + fan out). */
function drawComponents(
  g: Generator,
  { dit, learngeneRank, tailorRank }: KindConfig,
  { name, rank, bias }: { name: string; rank: number; bias: boolean },
): FactoredParams {
  const size = linearShape(dit, name);
  const { u, s, v, bias: zeros } = initFactored(g, { ...size, rank, init: 'orthogonal', bias });
  // q, k, v are thirds of a [3D, D] matrix.
  const fanOut = /attn\.[qkv]$/.test(name) ? 3 * size.out : size.out;
  const energy = (2 * size.in * size.out) / (size.in + fanOut);
  const scale = tf.fill<tf.Rank.R1>([s.size], Math.sqrt(energy / (learngeneRank + tailorRank)));
  return { u, s: scale, v, ...(zeros && { bias: zeros }) };
}

/** A soft gate that weighs all groups alike, under its key; nothing for a binary gate. */
export function zeroGate({ gate, dit, groups }: KindConfig): Pick<KindParams, 'gate'> {
  if (gate === 'binary') return {};
  return { gate: { weight: tf.zeros([groups.length, dit.hiddenSize]), bias: tf.zeros([groups.length]) } };
}
