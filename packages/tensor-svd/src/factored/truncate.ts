import { prefetch, readingBack } from '@learngene/nn';
import { selectComponents } from './components';
import { factoredParamCount } from './counts';
import { componentEnergies } from './energies';
import { type FactoredParams, factoredSize } from './params';

/**
 * Which components to keep, those of most energy first: `rank` of them; or the fewest that hold the share
 * `energyFraction` of the energy; or as many as `maxParams` parameters allow, bias included.
 */
export type Truncation =
  | {
      /** How many components to keep. */
      readonly rank: number;
    }
  | {
      /** Share of the energy that must be kept, (0, 1]. */
      readonly energyFraction: number;
    }
  | {
      /** How many parameters the layer may have. */
      readonly maxParams: number;
    };

/**
 * Returns component indices by descending energy; equal energies by ascending index.
 *
 * @param energies - Not negative, for example of {@link componentEnergies}.
 * @throws On an energy that is negative or NaN.
 */
export function rankComponents(energies: ArrayLike<number>): Int32Array {
  checkEnergies(energies);
  return Int32Array.from({ length: energies.length }, (_, i) => i).sort((i, j) => energies[j] - energies[i] || i - j);
}

/** Throws on an energy that is not a finite number of at least 0. */
export function checkEnergies(energies: ArrayLike<number>): void {
  for (let i = 0; i < energies.length; i++) {
    if (!(energies[i] >= 0 && energies[i] < Number.POSITIVE_INFINITY)) {
      throw new Error(`energies: expected finite numbers of at least 0, got ${energies[i]} at ${i}`);
    }
  }
}

/**
 * Keeps the components of most energy, in their order. This is optimal (Eckart and Young 1936) where the columns are
 * orthonormal: see `orthogonalizeFactored`. Reads the layer back.
 *
 * @returns Parameters that the caller owns; the bias is copied.
 * @throws When less than one or more than all components would be kept, or on a fraction outside (0, 1];
 *   `ReadBackError` on WebGPU, which reads asynchronously.
 */
export function truncateFactored(f: FactoredParams, by: Truncation): FactoredParams {
  const energies = readingBack('truncateFactored', () => componentEnergies(f));
  const count = keptCount(f, energies, by);
  return selectComponents(f, rankComponents(energies).slice(0, count).sort());
}

/** {@link truncateFactored} on every backend. It waits until the factors are read back. */
export async function truncateFactoredAsync(f: FactoredParams, by: Truncation): Promise<FactoredParams> {
  await prefetch(f.u, f.s, f.v);
  return truncateFactored(f, by);
}

function keptCount(f: FactoredParams, energies: Float64Array, by: Truncation): number {
  const size = factoredSize(f);
  if ('rank' in by) {
    if (!Number.isInteger(by.rank) || by.rank < 1 || by.rank > size.rank) {
      throw new Error(`rank: expected an integer from 1 to ${size.rank}, got ${by.rank}`);
    }
    return by.rank;
  }
  if ('energyFraction' in by) return countForFraction(energies, by.energyFraction);
  const bias = f.bias !== undefined;
  const least = factoredParamCount({ ...size, rank: 1, bias });
  if (!(by.maxParams >= least)) throw new Error(`maxParams: expected at least ${least}, got ${by.maxParams}`);
  const fixed = factoredParamCount({ ...size, rank: 0, bias });
  return Math.min(size.rank, Math.floor((by.maxParams - fixed) / (least - fixed)));
}

/**
 * Returns how many of the largest energies are needed to hold `fraction` of their sum; at least 1.
 *
 * @throws On a fraction outside (0, 1] or an energy that is negative or NaN.
 */
export function countForFraction(energies: ArrayLike<number>, fraction: number): number {
  if (!(fraction > 0 && fraction <= 1)) throw new Error(`energyFraction: expected a number in (0, 1], got ${fraction}`);
  const order = rankComponents(energies);
  const total = order.reduce((sum, i) => sum + energies[i], 0);
  let held = 0;
  for (let count = 0; count < order.length; count++) {
    held += energies[order[count]];
    if (held >= fraction * total) return count + 1;
  }
  return order.length;
}
