import { classLabel, listNames } from '@learngene/datasets';
import type { Command } from 'commander';
import { collect, list } from './context';
import { UsageError } from './errors';
import { nearestWord } from './nearest';

/** The options of {@link withClassOptions} and {@link withNovelOptions}. */
export interface ClassOptions {
  classes?: string[];
  class?: string[];
  novel?: string[];
  novelClass?: string[];
}

/** Names of classes separated by commas, or a JSON array; a name with a colon has to be given by itself. */
function classList(flag: string, single: string) {
  return (text: string): string[] => {
    const names = list(text);
    if (names.length === 0) throw new UsageError(`${flag}: expected at least one class, got none`);
    const colon = text.trim().startsWith('[') ? undefined : names.find((name) => name.includes(':'));
    if (colon === undefined) return names;
    throw new UsageError(
      `${flag}: expected names without comma or colon, got ${JSON.stringify(colon)}; give such a name by ${single}`,
    );
  };
}

/** Adds `--classes` (a list) and `--class` (one name as it stands, any number of times). */
export function withClassOptions(command: Command, what: string): Command {
  return command
    .option(
      '--classes <names>',
      `${what}; names without comma or colon, separated by commas`,
      classList('--classes', '--class'),
    )
    .option('--class <name>', 'one class by its name as it stands; may be repeated', collect);
}

/** Adds `--novel` and `--novel-class`, as {@link withClassOptions}. */
export function withNovelOptions(command: Command, what: string): Command {
  return command
    .option(
      '--novel <names>',
      `${what}; names without comma or colon, separated by commas`,
      classList('--novel', '--novel-class'),
    )
    .option('--novel-class <name>', 'one such class by its name as it stands; may be repeated', collect);
}

function both(listed: string[] | undefined, single: string[] | undefined): string[] | undefined {
  return listed === undefined && single === undefined ? undefined : [...(listed ?? []), ...(single ?? [])];
}

/** The classes that `--classes` and `--class` name; undefined where neither was given. */
export function namedClasses(options: ClassOptions): string[] | undefined {
  return both(options.classes, options.class);
}

/** The classes that `--novel` and `--novel-class` name; undefined where neither was given. */
export function namedNovel(options: ClassOptions): string[] | undefined {
  return both(options.novel, options.novelClass);
}

/** Where names of classes are looked up, for the message. */
export interface ClassOwner {
  /** What has the classes, e.g. `the model` or the name of a dataset. */
  owner: string;
  /** The option or key that named them. */
  argument: string;
}

/** More names than these are counted in a message, not listed. */
const mostListed = 40;

function unknownClass(known: readonly string[], name: string, { owner, argument }: ClassOwner): UsageError {
  const parts = [`${argument}: ${owner} has no class ${JSON.stringify(name)}`];
  parts.push(known.length === 0 ? 'it has none' : `it has ${listNames(known, mostListed)}`);
  const nearest = nearestWord(name, known);
  if (nearest !== undefined) parts.push(`did you mean ${JSON.stringify(nearest)}?`);
  if (known.some((other) => /[,:]/.test(other))) {
    parts.push(
      'names with a comma or colon are given one by one, by --class (novel ones that are kept out by --novel-class)',
    );
  }
  return new UsageError(parts.join('; '));
}

/**
 * The labels of classes by name, in the order given; names in either of Unicode's spellings.
 *
 * @throws UsageError where none is named, one is named twice, or one is not there, with those that are
 */
export function classLabels(known: readonly string[], wanted: readonly string[], owner: ClassOwner): number[] {
  const { argument } = owner;
  if (wanted.length === 0) throw new UsageError(`${argument}: expected at least one class, got none`);
  const labels = wanted.map((name) => {
    const label = classLabel(known, name);
    if (label < 0) throw unknownClass(known, name, owner);
    return label;
  });
  const twice = labels.findIndex((label, place) => labels.indexOf(label) !== place);
  if (twice >= 0) {
    throw new UsageError(`${argument}: expected each class once, got ${JSON.stringify(known[labels[twice]])} twice`);
  }
  return labels;
}
