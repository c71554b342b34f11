import { type Spread, spread } from '../statistics';
import { type Condition, conditionKey, type Scope } from './conditions';

/** A value of a trial. */
export interface SeedValue extends Condition {
  seed: number;
  value: number;
}

/** The spread of values over seeds: of several conditions, the mean over them for each seed that has a value in all. */
export function seedSpread(values: readonly SeedValue[], { conditions }: Scope): Spread {
  const bySeed = new Map<number, Map<string, number>>();
  for (const one of values) {
    const seed = bySeed.get(one.seed) ?? new Map<string, number>();
    bySeed.set(one.seed, seed.set(conditionKey(one), one.value));
  }
  const complete = [...bySeed.values()].filter((seed) => seed.size === conditions.length);
  return spread(complete.map((seed) => [...seed.values()].reduce((sum, one) => sum + one, 0) / seed.size));
}
