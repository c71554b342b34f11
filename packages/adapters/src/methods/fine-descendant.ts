import { blockLinearNames, type DitConfig, type DitParams } from '@learngene/dit';
import { cloneParams, mapParams, type ParamTree, prefetch, readingBack } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount } from '../core/checks';
import { type Leaves, overlay, subTree } from '../core/trees';
import { type FineConfig, fine } from './fine';

/** Options of {@link fineDescendant}. */
export interface FineDescendantOptions {
  /** The trained model's architecture. */
  readonly dit: DitConfig;
  /** Blocks of the new model. */
  readonly depth: number;
  /** Number of components that the blocks share (default: the largest rank of the narrowest layer). */
  readonly rank?: number;
  /** Sweeps of the fit, see `FineConfig`. */
  readonly sweeps?: number;
}

/**
 * Makes a dense DiT of another depth from the shared factors of a trained one (FINE, Xie et al. 2024, arXiv
 * 2409.19289). The main weights are U diag(s_l) Vᵀ. The scales s_l, the biases and adaLN of block l are interpolated
 * between the old blocks at the same relative depth; everything outside the blocks is kept. FINE draws and trains the
 * scales for the new depth; train all of the result.
 *
 * @param ancestor - never disposed. Its main weights are read back.
 * @returns parameters for `{ ...dit, depth }` that the caller owns.
 * @throws on options out of range; `ReadBackError` on WebGPU, which reads asynchronously
 */
export function fineDescendant(ancestor: DitParams, options: FineDescendantOptions): DitParams {
  return readingBack('fineDescendant', () => descendant(ancestor, options));
}

/** {@link fineDescendant} on every engine. It waits until the weights are read back. */
export async function fineDescendantAsync(ancestor: DitParams, options: FineDescendantOptions): Promise<DitParams> {
  const tree = ancestor as DitParams & ParamTree;
  await prefetch(...blockLinearNames(options.dit).map((name) => subTree<Leaves>(tree, name)!.weight));
  return fineDescendant(ancestor, options);
}

function descendant(ancestor: DitParams, options: FineDescendantOptions): DitParams {
  const { dit, depth } = options;
  checkCount('depth', depth);
  const config = fine.complete(
    Object.fromEntries(Object.entries(options).filter(([key]) => key === 'rank' || key === 'sweeps')),
    dit,
  ) as FineConfig;
  return tf.tidy(() => {
    const tree = ancestor as DitParams & ParamTree;
    const layers = new Map(blockLinearNames(dit).map((name) => [name, subTree<Leaves>(tree, name)!]));
    const frozen = fine.freezeAll!(layers, config);
    const blocks = Array.from({ length: depth }, (_, i): [string, ParamTree] => {
      const at = depth === 1 ? 0 : (i * (dit.depth - 1)) / (depth - 1);
      const [low, high] = [Math.floor(at), Math.ceil(at)];
      const between = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
        low === high ? tf.clone(a) : tf.add(tf.mul(low + 1 - at, a), tf.mul(at - low, b));
      const mixed = mapParams(
        (leaf, name) => between(leaf, subTree<tf.Tensor>(tree, `blocks.${high}.${name}`)!),
        tree.blocks[low] as ParamTree,
      );
      const composed = ['attn.q', 'attn.k', 'attn.v', 'attn.o', 'mlp.in', 'mlp.out'].map((name) => {
        const [a, b] = [low, high].map((block) => frozen.get(`blocks.${block}.${name}`)!);
        const { weight } = fine.merge(a, { s: between(a.s, b.s) }, config);
        const [part, layer] = name.split('.');
        return { [part]: { [layer]: { weight } } };
      });
      return [String(i), composed.reduce((block: ParamTree, main) => overlay(block, main), mixed)];
    });
    const { blocks: _, ...frame } = tree;
    return { ...cloneParams(frame as ParamTree), blocks: Object.fromEntries(blocks) } as DitParams;
  });
}
