import { countParams, type LowRankFactors, type ParamTree } from '@learngene/nn';
import { type FactoredParams, factoredMacs } from '@learngene/tensor-svd';
import { type AnyKindConfig, networkOf } from './config-types';
import { type AnyKindModel, type NetworkParams, rowsIn, subTree } from './params';
import { sumsByGate } from './tailor-groups';

/** Bytes of a stored number (float32). */
export const BYTES = 4;

/** What an assembled model costs. */
export interface AssembledCounts {
  /** Parameters in all parts that are loaded. */
  readonly parameters: number;
  /**
   * Multiply-accumulates of a forward pass of one sample of the most expensive class, without guidance; a MAC counts
   * once, as in the paper's "GFLOPs".
   */
  readonly macs: number;
  /** Bytes of the float32 tensors, without the headers of files. */
  readonly bytes: number;
}

/** A model of any network, whose factors may have been cut. */
export interface AssembledModel {
  /** Network, groups and gate. */
  readonly config: AnyKindConfig;
  /** Parameters. */
  readonly params: NetworkParams;
}

/** Counts what a model costs from the shapes of its tensors, so a pruned model is counted right. Reads nothing back. */
export function countAssembled({ config, params }: AnyKindModel | AssembledModel): AssembledCounts {
  const parts: readonly (ParamTree | undefined)[] = Object.values(params);
  const parameters = parts.reduce((total, part) => total + (part ? countParams(part) : 0), 0);
  const { layers, denseMacs } = networkOf(config);
  const macsOf = (tree: ParamTree) =>
    layers.reduce((total, { name, in: inputs, out, tokens }) => {
      const factors = subTree<FactoredParams | LowRankFactors>(tree, name);
      return total + (factors ? tokens * factoredMacs({ in: inputs, out, rank: factors.s.size }) : 0);
    }, 0);
  // Only the groups that are loaded count.
  const own = new Map(Object.entries<ParamTree>(params.tailors).map(([group, tree]) => [group, macsOf(tree)]));
  const all = [...own.values()].reduce((total, macs) => total + macs, 0);
  const active =
    config.gate === 'soft' ? all : Math.max(0, ...sumsByGate(config.groups, ({ name }) => own.get(name) ?? 0));
  return { parameters, macs: denseMacs + macsOf(params.learngenes) + active, bytes: BYTES * parameters };
}

/** What a model costs without any component: shared parts, biases of the factored layers, rows of classes, gate. */
export function countDense({ config, params }: AssembledModel): { parameters: number; macs: number } {
  const { shared, gate, learngenes, tailors } = params;
  const network = networkOf(config);
  let parameters = countParams(shared) + (gate ? countParams(gate) : 0);
  for (const { name } of network.layers) {
    parameters += subTree<FactoredParams>(learngenes, name)?.bias?.size ?? 0;
  }
  for (const own of Object.values(tailors)) parameters += countParams(rowsIn(own, network));
  return { parameters, macs: network.denseMacs };
}
