import { blockLinearNames, countDitMacs, linearShape, tokenCount } from '@learngene/dit';
import { countParams, type LowRankFactors } from '@learngene/nn';
import { type FactoredParams, factoredMacs } from '@learngene/tensor-svd';
import { type KindModel, type KindParams, subTree } from './params';

/** Bytes of a stored number (float32). */
export const BYTES = 4;

/** What an assembled model costs. */
export interface AssembledCounts {
  /** Numbers in all parts that are loaded. */
  readonly parameters: number;
  /**
   * Multiply-accumulates of a forward pass of one sample of the most expensive class, without guidance; a MAC counts
   * once, as in the paper's "GFLOPs".
   */
  readonly macs: number;
  /** Bytes of the float32 tensors, without the headers of files. */
  readonly bytes: number;
}

/** Counts a model by the ranks that its tensors have, also where it was pruned; reads nothing back. */
export function countAssembled({ config, params }: KindModel): AssembledCounts {
  const parameters = Object.values(params)
    .filter((piece) => piece !== undefined)
    .reduce((total, piece) => total + countParams(piece), 0);
  const { dit } = config;
  const macsOf = (tree: KindParams['learngenes'] | KindParams['tailors'][string]) =>
    blockLinearNames(dit).reduce((total, name) => {
      const factors = subTree<FactoredParams | LowRankFactors>(tree, name);
      return total + (factors ? factoredMacs({ ...linearShape(dit, name), rank: factors.s.size }) : 0);
    }, 0);
  const own = Object.values(params.tailors).map(macsOf);
  const active = config.gate === 'soft' ? own.reduce((total, macs) => total + macs, 0) : Math.max(0, ...own);
  const macs = denseMacs(config) + tokenCount(dit) * (macsOf(params.learngenes) + active);
  return { parameters, macs, bytes: BYTES * parameters };
}

/** What a model costs without any component: shared parts, biases of the main layers, label rows, gate. */
export function countDense({ config, params }: KindModel): { parameters: number; macs: number } {
  const { shared, gate, learngenes, tailors } = params;
  let parameters = countParams(shared) + (gate ? countParams(gate) : 0);
  for (const name of blockLinearNames(config.dit)) {
    parameters += subTree<FactoredParams>(learngenes, name)?.bias?.size ?? 0;
  }
  for (const { label } of Object.values(tailors)) parameters += label.rows.size;
  return { parameters, macs: denseMacs(config) };
}

function denseMacs({ dit }: KindModel['config']): number {
  const macs = countDitMacs(dit);
  return macs.total - macs.linear;
}
