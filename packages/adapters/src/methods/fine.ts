import type { DitConfig } from '@learngene/dit';
import { matrixFromTensor, tensorFromMatrix } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount, checkFields, shown } from '../core/checks';
import type { LayerMethod } from '../core/method';
import type { Leaves } from '../core/trees';
import { largestRank, ranks } from './rank';
import { sharedFactors } from './shared-factors';
import { applySpectral, mergeSpectral } from './spectral';

/** FINE: all blocks share the factors u and v of a kind of layer; each block has its own scales s. */
export interface FineConfig {
  /** Name of the method. */
  readonly method: 'fine';
  /** Number of components that the blocks share (default: the largest rank of the narrowest layer). */
  readonly rank: number;
  /**
   * Sweeps of the alternating least squares that fits them (default 10). With 0 they are the SVD of the sum of the
   * blocks.
   */
  readonly sweeps: number;
}

/**
 * FINE: Xie et al. 2024, "FINE: Factorizing Knowledge for Initialization of Variable-sized Diffusion Models", arXiv
 * 2409.19289. Frozen: U [out, r] and V [in, r] of each of the six kinds of main layer, shared by all blocks, W_l ≈ U
 * diag(s_l) Vᵀ. Trained: s [r] of every block, starting at the factorisation's. Samples of the base model use the
 * initial s. FINE trains with the factors from the beginning. Here they are fitted to a trained dense model, so
 * training starts from an approximation of that model and not from the model itself.
 */
export const fine: LayerMethod<FineConfig> = {
  kind: 'layer',
  paper: 'Xie et al. 2024, FINE, arXiv 2409.19289',
  base: 'dense',
  complete: (input, dit: DitConfig) => {
    checkFields('fine', input, ['method', 'rank', 'sweeps']);
    const { rank = largestRank(dit), sweeps = 10 } = input;
    checkCount('rank', rank, largestRank(dit));
    if (!Number.isSafeInteger(sweeps) || sweeps < 0 || sweeps > 10_000) {
      throw new Error(`sweeps: expected an integer from 0 to 10000, got ${shown(sweeps)}`);
    }
    return { method: 'fine', rank, sweeps };
  },
  size: { field: 'rank', values: ranks },
  trained: (_, { rank }) => ({ s: [rank] }),
  frozen: ({ in: inputs, out }, { rank }) => ({ u: [out, rank], s: [rank], v: [inputs, rank] }),
  freezeAll: (layers, { rank, sweeps }) => {
    const kinds = new Set([...layers.keys()].map(kindOf));
    const frozen = new Map<string, Leaves>();
    for (const kind of kinds) {
      const names = [...layers.keys()].filter((name) => kindOf(name) === kind);
      const weights = names.map((name) => matrixFromTensor(layers.get(name)!.weight as tf.Tensor2D));
      const { u, v, s } = sharedFactors(weights, { rank, sweeps });
      const shared = { u: tensorFromMatrix(u), v: tensorFromMatrix(v) };
      for (const [i, name] of names.entries()) {
        const { bias } = layers.get(name)!;
        frozen.set(name, { ...shared, s: tf.tensor1d(Float32Array.from(s[i])), ...(bias && { bias }) });
      }
    }
    return frozen;
  },
  fresh: ({ s }) => ({ s }),
  apply: (x, frozen, segments) => applySpectral(x, frozen, segments, (leaves) => (leaves ?? frozen).s),
  merge: (frozen, trained) => mergeSpectral(frozen, (trained ?? frozen).s),
  macs: (size, { rank }) => rank * (size.in + size.out),
};

/** 'attn.q' of 'blocks.3.attn.q'. */
function kindOf(name: string): string {
  return name.replace(/^blocks\.\d+\./, '');
}
