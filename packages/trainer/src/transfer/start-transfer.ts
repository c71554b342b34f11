import { type KindModel, type KindSettings, type Trainable, transferKind } from '@learngene/kind';
import { ConfigError } from '@learngene/pipeline';
import { createGenerator, stream } from '@learngene/random';
import { groupsOf } from '../config/model-config';

/** How near the domain of the novel classes is to that of the base. */
export type TransferDomain = 'near' | 'distant';

/** What a transfer trains: for a near domain tailors alone, for a distant one the dense parts too. */
export const TRAINABLE_OF_DOMAIN: Readonly<Record<TransferDomain, 'tailors' | 'tailors-and-shared'>> = {
  near: 'tailors',
  distant: 'tailors-and-shared',
};

/** What a transfer may train. */
export const TRANSFER_TRAINABLES: readonly Trainable[] = [
  ...(['tailors', 'gate', 'tailors-and-learngenes', 'tailors-and-shared', 'all'] as const),
];

/** What a transfer may train, by the domain; the first is the default. Distant shared parts start anew and have to be trained. */
const TRAINABLES: Readonly<Record<TransferDomain, readonly Trainable[]>> = {
  near: TRANSFER_TRAINABLES,
  distant: ['tailors-and-shared', 'all'],
};

/**
 * What a transfer trains.
 *
 * @param asked What is asked for (default: that of the domain).
 * @throws ConfigError for what does not go with the domain
 */
export function transferTrainable(domain: TransferDomain, asked?: Trainable): Trainable {
  if (asked === undefined) return TRAINABLE_OF_DOMAIN[domain];
  if (TRAINABLES[domain].includes(asked)) return asked;
  const known = TRAINABLES[domain].join(', ');
  throw new ConfigError(`trainable: expected one of ${known} for a ${domain} domain, got ${String(asked)}`, {
    argument: 'trainable',
  });
}

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
  /** `gate`: novel classes have no tailors; a soft gate weighs those of the base (default: that of the domain). */
  trainable?: Trainable;
  /** What samples without a label use (default: as in the base). */
  nullGate?: KindSettings['nullGate'];
}

/**
 * The model before its first transfer step: the base's learngenes, fresh tailors for the novel classes or a gate over those of the base.
 *
 * @param classes Names of the novel classes; each has tailors of its own.
 * @returns a model whose tensors are its own; the base stays as it is
 */
export function startTransfer(base: KindModel, classes: readonly string[], options: StartTransferOptions): KindModel {
  const { seed, domain, tailorRank, trainable, nullGate } = options;
  return transferKind(base, {
    groups: groupsOf(classes),
    generator: stream(createGenerator(seed), 'transfer'),
    domain,
    labels: domain === 'near' ? 'null' : 'random',
    ...(tailorRank === undefined ? {} : { tailorRank }),
    ...(trainable === 'gate' && { adapt: 'gate' as const }),
    ...(nullGate && { nullGate }),
  });
}
