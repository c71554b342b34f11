import * as fc from 'fast-check';
import { describe, expect, it as test } from 'vitest';
import { type BudgetLayer, selectByBudget } from './budget';
import { componentCost, factoredMacs, factoredParamCount } from './counts';

const energies = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 });
const lists = (indices: readonly Int32Array[]) => indices.map((list) => Array.from(list));

/** Most energy of any choice under the budget, by trying all. */
function bestEnergy(layers: readonly BudgetLayer[], budget: number): number {
  const items = layers.flatMap(({ energies, cost }) => Array.from(energies, (energy) => ({ energy, cost })));
  let best = 0;
  for (let mask = 0; mask < 2 ** items.length; mask++) {
    const chosen = items.filter((_, i) => (mask >> i) & 1);
    if (chosen.reduce((sum, item) => sum + item.cost, 0) > budget) continue;
    best = Math.max(
      best,
      chosen.reduce((sum, item) => sum + item.energy, 0),
    );
  }
  return best;
}

describe('selectByBudget', () => {
  test('holds the most energy that any choice can, when costs are equal', () => {
    fc.assert(
      fc.property(
        fc.array(energies, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 0, max: 40 }),
        (all, budget) => {
          const layers = all.map((list) => ({ energies: list, cost: 3 }));
          const { energy, cost } = selectByBudget(layers, { budget });
          expect(energy).toBe(bestEnergy(layers, budget));
          expect(cost).toBeLessThanOrEqual(budget);
        },
      ),
    );
  });

  test('keeps the budget, the minima and its own accounts for any costs', () => {
    const layer = fc.record({
      energies,
      cost: fc.integer({ min: 1, max: 7 }),
      minimum: fc.integer({ min: 0, max: 1 }),
    });
    fc.assert(
      fc.property(
        fc.array(layer, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 28, max: 60 }),
        fc.constantFrom('energy' as const, 'energy-per-cost' as const),
        (layers, budget, by) => {
          const { indices, cost, energy, energyFraction } = selectByBudget(layers, { budget, by });
          let [paid, held, all] = [0, 0, 0];
          layers.forEach((one, i) => {
            expect(indices[i].length).toBeGreaterThanOrEqual(one.minimum);
            expect(Array.from(new Set(indices[i])).sort()).toEqual(Array.from(indices[i]));
            paid += indices[i].length * one.cost;
            for (const component of indices[i]) held += one.energies[component];
            for (const value of one.energies) all += value;
            // Nothing that still fits was left out.
            if (indices[i].length < one.energies.length) expect(cost + one.cost).toBeGreaterThan(budget);
          });
          expect([cost, energy]).toEqual([paid, held]);
          expect(cost).toBeLessThanOrEqual(budget);
          expect(energyFraction).toBeCloseTo(all === 0 ? 1 : held / all, 12);
        },
      ),
    );
  });

  test('prefers energy, or energy per cost', () => {
    const layers = [
      { energies: [10, 1], cost: 10 },
      { energies: [6, 5], cost: 5 },
    ];
    expect(lists(selectByBudget(layers, { budget: 10 }).indices)).toEqual([[0], []]);
    expect(lists(selectByBudget(layers, { budget: 10, by: 'energy-per-cost' }).indices)).toEqual([[], [0, 1]]);
  });

  test('breaks ties by layer, then by component', () => {
    const layers = [
      { energies: [1, 2, 2], cost: 1 },
      { energies: [2, 2], cost: 1 },
    ];
    expect(lists(selectByBudget(layers, { budget: 3 }).indices)).toEqual([[1, 2], [0]]);
    expect(lists(selectByBudget(layers, { budget: 0 }).indices)).toEqual([[], []]);
  });

  test('pays the minima first, and says when they cannot be paid', () => {
    const layers = [
      { energies: [9, 8], cost: 2 },
      { energies: [1, 3], cost: 2, minimum: 1 },
    ];
    expect(lists(selectByBudget(layers, { budget: 4 }).indices)).toEqual([[0], [1]]);
    expect(() => selectByBudget(layers, { budget: 1 })).toThrow('budget: expected at least 2, the cost of the minima');
  });

  test('names what is wrong', () => {
    const run =
      (layer: Partial<BudgetLayer>, budget = 5) =>
      () =>
        selectByBudget([{ energies: [1, 2], cost: 1, ...layer }], { budget });
    expect(run({}, Number.NaN)).toThrow('budget: expected a number of at least 0, got NaN');
    expect(run({ cost: 0 })).toThrow('layers[0].cost: expected a number above 0, got 0');
    expect(run({ minimum: 3 })).toThrow('layers[0].minimum: expected an integer from 0 to 2, got 3');
    expect(run({ energies: [1, Number.NaN] })).toThrow('energies: expected finite numbers of at least 0, got NaN at 1');
  });
});

describe('counts', () => {
  test('are those of the factors', () => {
    expect(factoredParamCount({ in: 3, out: 4, rank: 2 })).toBe(2 * 3 + 2 * 4 + 2);
    expect(factoredParamCount({ in: 3, out: 4, rank: 2, bias: true })).toBe(20);
    expect(factoredMacs({ in: 3, out: 4, rank: 2 })).toBe(14);
  });

  test('give the cost of a rank over DiT-L/2: 442,512 parameters', () => {
    const [attention, up, down] = [
      { in: 1024, out: 1024 },
      { in: 1024, out: 4096 },
      { in: 4096, out: 1024 },
    ].map((size) => componentCost(size, 'params'));
    expect(24 * (4 * attention + up + down)).toBe(442_512);
  });

  test('come in MACs and bytes', () => {
    expect(componentCost({ in: 3, out: 4 }, 'macs')).toBe(7);
    expect(componentCost({ in: 3, out: 4 }, { bytesPerValue: 2 })).toBe(16);
    expect(() => componentCost({ in: 3, out: 4 }, 'flops' as 'macs')).toThrow("unit: expected 'params', 'macs'");
  });
});
