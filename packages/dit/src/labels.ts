import { type Generator, uniform } from '@learngene/random';
import { checkLabelArray, checkOptions, shown } from './arguments';

/** Settings of {@link dropLabels}. */
export interface DropLabelsOptions {
  /** Source of randomness; one uniform number is drawn for each label. */
  readonly generator: Generator;
  /** Probability in [0, 1] of dropping a label, `labelDropout` of the config (0.1 in the paper). */
  readonly probability: number;
  /** The id that a dropped label becomes, `nullLabel(config)`. */
  readonly nullLabel: number;
}

/**
 * Replaces each label by the null label with the given probability, independently: the label dropout that trains a
 * model for classifier-free guidance (Ho & Salimans 2022, algorithm 1). For training only.
 *
 * @param labels - class ids, [N]; not changed.
 * @returns a new array [N].
 * @throws when `probability` is outside [0, 1] or `nullLabel` is not a whole number of at least 0
 */
export function dropLabels(labels: Int32Array, options: DropLabelsOptions): Int32Array {
  checkLabelArray(labels);
  checkOptions(options, ['generator', 'probability', 'nullLabel']);
  const { generator, probability, nullLabel } = options;
  if (typeof generator !== 'object' || generator === null) {
    throw new Error(`generator: expected a random generator, got ${shown(generator)}`);
  }
  if (typeof probability !== 'number' || !(probability >= 0 && probability <= 1)) {
    throw new Error(`probability: expected a number in [0, 1], got ${probability}`);
  }
  if (!Number.isSafeInteger(nullLabel) || nullLabel < 0) {
    throw new Error(`nullLabel: expected an integer of at least 0, got ${nullLabel}`);
  }
  const draws = uniform(generator, labels.length);
  return labels.map((label, n) => (draws[n] < probability ? nullLabel : label));
}
