import { checkEnergies } from './truncate';

/** One layer that competes for a budget. */
export interface BudgetLayer {
  /** Energy of every component, not negative: see `componentEnergies`. */
  readonly energies: ArrayLike<number>;
  /** Cost of one component, above 0, in the unit of the budget: see `componentCost`. */
  readonly cost: number;
  /** How many components, those of most energy, are always kept (default 0). */
  readonly minimum?: number;
}

/** Options of {@link selectByBudget}. */
export interface BudgetOptions {
  /** What the components of all layers may cost together. */
  readonly budget: number;
  /** What comes first: most energy (default), or most energy per cost. */
  readonly by?: 'energy' | 'energy-per-cost';
}

/** What {@link selectByBudget} chose. */
export interface BudgetSelection {
  /** The chosen components of every layer, ascending; may be empty. */
  readonly indices: readonly Int32Array[];
  /** Cost of all chosen components, at most the budget. */
  readonly cost: number;
  /** Energy of all chosen components. */
  readonly energy: number;
  /** Share of the energy of all components, 0 to 1 (1 when there is none). */
  readonly energyFraction: number;
}

interface Candidate {
  readonly layer: number;
  readonly component: number;
  readonly score: number;
}

/**
 * Chooses components of many layers under one budget. Each layer's minimum comes first; then components are taken by
 * descending score as long as they fit. On equal scores the earlier layer wins, then the earlier component. With equal
 * costs no other choice has more energy. With unequal costs this is the greedy solution of a knapsack problem.
 *
 * @throws When the minima alone exceed the budget, and on energies or costs out of range.
 */
export function selectByBudget(
  layers: readonly BudgetLayer[],
  { budget, by = 'energy' }: BudgetOptions,
): BudgetSelection {
  if (!(budget >= 0)) throw new Error(`budget: expected a number of at least 0, got ${budget}`);
  if (by !== 'energy' && by !== 'energy-per-cost') {
    throw new Error(`by: expected 'energy' or 'energy-per-cost', got ${JSON.stringify(by)}`);
  }
  layers.forEach(checkLayer);
  const order = layers.flatMap(({ energies, cost }, layer) =>
    Array.from(energies, (energy, component): Candidate => {
      return { layer, component, score: by === 'energy' ? energy : energy / cost };
    }),
  );
  order.sort((a, b) => b.score - a.score || a.layer - b.layer || a.component - b.component);

  const chosen = layers.map((): number[] => []);
  let cost = 0;
  const rest: Candidate[] = [];
  for (const candidate of order) {
    const { layer, component } = candidate;
    if (chosen[layer].length < (layers[layer].minimum ?? 0)) {
      chosen[layer].push(component);
      cost += layers[layer].cost;
    } else rest.push(candidate);
  }
  if (cost > budget) throw new Error(`budget: expected at least ${cost}, the cost of the minima, got ${budget}`);
  for (const { layer, component } of rest) {
    if (cost + layers[layer].cost > budget) continue;
    chosen[layer].push(component);
    cost += layers[layer].cost;
  }
  const indices = chosen.map((components) => Int32Array.from(components).sort());
  const energy = sum(indices.flatMap((components, layer) => Array.from(components, (i) => layers[layer].energies[i])));
  const total = sum(layers.flatMap(({ energies }) => Array.from(energies)));
  return { indices, cost, energy, energyFraction: total === 0 ? 1 : energy / total };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function checkLayer({ energies, cost, minimum = 0 }: BudgetLayer, layer: number): void {
  checkEnergies(energies);
  if (!(cost > 0 && cost < Number.POSITIVE_INFINITY)) {
    throw new Error(`layers[${layer}].cost: expected a number above 0, got ${cost}`);
  }
  if (!Number.isInteger(minimum) || minimum < 0 || minimum > energies.length) {
    throw new Error(`layers[${layer}].minimum: expected an integer from 0 to ${energies.length}, got ${minimum}`);
  }
}
