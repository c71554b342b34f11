import { type KindModel, transferKind } from '@learngene/kind';
import { createGenerator, stream } from '@learngene/random';
import { groupsOf } from '../config/model-config';

/** How near the domain of the novel classes is to that of the base. */
export type TransferDomain = 'near' | 'distant';

/** What a transfer trains: for a near domain tailors alone, for a distant one the dense parts too. */
export const TRAINABLE_OF_DOMAIN: Readonly<Record<TransferDomain, 'tailors' | 'tailors-and-shared'>> = {
  near: 'tailors',
  distant: 'tailors-and-shared',
};

/** The options of {@link startTransfer}. */
export interface StartTransferOptions {
  /** Seed of the fresh tailors. */
  seed: number;
  /**
   * `near`: label rows start as copies of the row of the null label. `distant`: they start at random, as the dense
   * parts do.
   */
  domain: TransferDomain;
  /** Components of each novel class (default: as in the base). */
  tailorRank?: number;
}

/**
 * The model before its first transfer step: the base's learngenes, fresh tailors for the novel classes.
 *
 * @param classes Names of the novel classes; each has tailors of its own.
 * @returns a model whose tensors are its own; the base stays as it is
 */
export function startTransfer(base: KindModel, classes: readonly string[], options: StartTransferOptions): KindModel {
  const { seed, domain, tailorRank } = options;
  return transferKind(base, {
    groups: groupsOf(classes),
    generator: stream(createGenerator(seed), 'transfer'),
    domain,
    labels: domain === 'near' ? 'null' : 'random',
    ...(tailorRank === undefined ? {} : { tailorRank }),
  });
}
