import type { DitConfig } from '@learngene/dit';
import type { ClassGroup } from '@learngene/nn';
import { checkPositive } from './core/checks';
import { countAdapted } from './count';
import { type AdapterConfig, type AdapterConfigInput, adapterConfig, methodOf } from './methods';

/** Options of {@link matchRank}. */
export interface MatchRankOptions {
  /** The base model's architecture. */
  readonly dit: DitConfig;
  /** The groups that train an adapter each. */
  readonly groups: readonly ClassGroup[];
  /** How many parameters may be trained in all, label rows included. */
  readonly parameters: number;
}

/** What {@link matchRank} found. */
export interface MatchedRank {
  /** The config whose count is nearest to the budget. */
  readonly adapter: AdapterConfig;
  /** How many parameters it trains, label rows included. */
  readonly trainable: number;
  /** trainable / budget. */
  readonly ratio: number;
  /** Whether the method has a setting for its size; full fine-tuning, BitFit, SVDiff, Heur-LG and Auto-LG have none. */
  readonly adjustable: boolean;
}

/**
 * Finds the size of a method (its rank, or OFT's block) whose number of trained parameters is nearest to a budget, the
 * smaller of two that are equally near. It serves comparisons at equal trainable parameters. Makes no tensor.
 *
 * @param input - the method and any other fields; a size in it is replaced. LoRA-like methods without `alpha` get a
 *   scaling of 1 at any rank.
 * @throws on an invalid config or a budget that is not positive
 */
export function matchRank(input: AdapterConfigInput, { dit, groups, parameters }: MatchRankOptions): MatchedRank {
  checkPositive('parameters', parameters);
  const { size } = methodOf(input);
  const classes = groups.reduce((total, group) => total + group.classes.length, 0);
  const candidate = (fields: object): MatchedRank => {
    const adapter = adapterConfig({ ...input, ...fields } as AdapterConfigInput, dit);
    const depth = 'depth' in adapter ? adapter.depth : dit.depth;
    const { trainable } = countAdapted({ dit: { ...dit, depth, classes }, adapter, groups, nullGate: 'base' });
    return { adapter, trainable, ratio: trainable / parameters, adjustable: size !== undefined };
  };
  if (!size) return candidate({});
  const all = size.values(dit).map((value) => candidate({ [size.field]: value }));
  return all.reduce((best, next) => (distance(next, parameters) < distance(best, parameters) ? next : best));
}

function distance({ trainable }: MatchedRank, parameters: number): number {
  return Math.abs(trainable - parameters);
}
