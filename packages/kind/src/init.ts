import { blockLinearNames, initDit, linearShape } from '@learngene/dit';
import { cloneParams, disposeParams } from '@learngene/nn';
import type { Generator } from '@learngene/random';
import { type FactoredParams, initFactored } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { type KindConfig, validateKindConfig } from './config';
import { freshTailors, labelRows } from './fresh-tailors';
import { type KindParams, mainLayers, type SharedParams } from './params';

/**
 * Fresh parameters of a KIND model, f32, owned by the caller.
 *
 * Shared parts start as DiT's (adaLN-Zero: the model's output is exactly 0). Learngenes are random orthonormal u and v
 * with equal s, scaled so that the composed weight has at any rank the Frobenius norm that DiT's Xavier weight has (q, k
 * and v as parts of one [3D, D] matrix): activations start at the usual size, no component starts ahead of another, and
 * no SVD is taken. Tailors start at zero output, see {@link freshTailors}, so every class starts as the same sound
 * model. Label rows and the null row are N(0, 0.02²). A soft gate starts at zero: all groups weigh the same.
 *
 * @param g - advances: shared parts as `initDit`, learngenes layer by layer, tailors group by group.
 * Throws on an invalid config, naming the field, or a rank above a layer's widths.
 */
export function initKind(g: Generator, config: KindConfig): KindParams {
  validateKindConfig(config);
  return tf.tidy(() => ({
    shared: initShared(g, config),
    learngenes: { blocks: mainLayers(blockLinearNames(config.dit), (name) => initLearngenes(g, config, name)) },
    tailors: Object.fromEntries(config.groups.map((group) => [group.name, freshTailors(g, config, group)])),
    ...zeroGate(config),
  }));
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

function initLearngenes(g: Generator, { dit, learngeneRank }: KindConfig, name: string): FactoredParams {
  const f = initFactored(g, { ...linearShape(dit, name), rank: learngeneRank, init: 'orthogonal' });
  if (!/attn\.[qkv]$/.test(name)) return f;
  // q, k, v are thirds of a [3D, D] matrix: variance 2 / (D + 3D) in place of 2 / (D + D).
  return { ...f, s: tf.mul(f.s, Math.SQRT1_2) };
}

/** A soft gate that weighs all groups alike, under its key; nothing for a binary gate. */
export function zeroGate({ gate, dit, groups }: KindConfig): Pick<KindParams, 'gate'> {
  if (gate === 'binary') return {};
  return { gate: { weight: tf.zeros([groups.length, dit.hiddenSize]), bias: tf.zeros([groups.length]) } };
}
