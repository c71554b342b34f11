import { classList } from '@learngene/pipeline/node';
import type { Command } from 'commander';
import { collect } from './context';

/** The options of {@link withClassOptions} and {@link withNovelOptions}. */
export interface ClassOptions {
  classes?: string[];
  class?: string[];
  novel?: string[];
  novelClass?: string[];
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
