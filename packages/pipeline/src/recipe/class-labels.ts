import { classLabel, listNames } from '@learngene/datasets';
import { ConfigError } from '../errors';
import { nearestWord } from '../nearest-word';

/** Where names of classes are looked up, for the message. */
export interface ClassOwner {
  /** What has the classes, e.g. `the model` or the name of a dataset. */
  owner: string;
  /** The argument or field that named them. */
  argument: string;
}

/** More names than these are counted in a message, not listed. */
const MOST_LISTED = 40;

function unknownClass(known: readonly string[], name: string, { owner, argument }: ClassOwner): ConfigError {
  const parts = [`${argument}: ${owner} has no class ${JSON.stringify(name)}`];
  parts.push(known.length === 0 ? 'it has none' : `it has ${listNames(known, MOST_LISTED)}`);
  const nearest = nearestWord(name, known);
  if (nearest !== undefined) parts.push(`did you mean ${JSON.stringify(nearest)}?`);
  return new ConfigError(parts.join('; '), { argument, code: 'class-unknown', choices: known });
}

/**
 * The labels of classes by name, in the order given; names in either of Unicode's spellings.
 *
 * @throws ConfigError where none is named, one is named twice, or one is not there, with those that are
 */
export function classLabels(known: readonly string[], wanted: readonly string[], owner: ClassOwner): number[] {
  const { argument } = owner;
  if (wanted.length === 0) {
    throw new ConfigError(`${argument}: expected at least one class, got none`, { argument });
  }
  const labels = wanted.map((name) => {
    const label = classLabel(known, name);
    if (label < 0) throw unknownClass(known, name, owner);
    return label;
  });
  const twice = labels.findIndex((label, place) => labels.indexOf(label) !== place);
  if (twice >= 0) {
    const name = JSON.stringify(known[labels[twice]]);
    throw new ConfigError(`${argument}: expected each class once, got ${name} twice`, { argument });
  }
  return labels;
}
