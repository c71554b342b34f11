import { type DitConfig, type LinearShape, mlpWidth } from '@learngene/dit';
import { checkCount, checkPositive } from '../core/checks';

/** The largest rank that every main layer can have. */
export function largestRank(dit: DitConfig): number {
  return Math.min(dit.hiddenSize, mlpWidth(dit));
}

/** `layerSettings` of a method whose layers may differ in rank and alpha. */
export const rankAndAlpha = {
  fields: ['rank', 'alpha'],
  check: ({ rank, alpha }: { readonly rank: number; readonly alpha: number }, _: LinearShape, dit: DitConfig) => {
    checkCount('rank', rank, largestRank(dit));
    checkPositive('alpha', alpha);
  },
} as const;

/** Ranks from 1 to the largest. */
export function ranks(dit: DitConfig, most = largestRank(dit)): number[] {
  return Array.from({ length: most }, (_, i) => i + 1);
}
