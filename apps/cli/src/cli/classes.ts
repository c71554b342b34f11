import type { Command } from 'commander';
import { collect, list } from './context';
import { UsageError } from './errors';

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
