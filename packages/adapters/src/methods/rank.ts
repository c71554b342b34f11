import { type DitConfig, mlpWidth } from '@learngene/dit';

/** The largest rank that every main layer can have. */
export function largestRank(dit: DitConfig): number {
  return Math.min(dit.hiddenSize, mlpWidth(dit));
}

/** Ranks from 1 to the largest. */
export function ranks(dit: DitConfig, most = largestRank(dit)): number[] {
  return Array.from({ length: most }, (_, i) => i + 1);
}
