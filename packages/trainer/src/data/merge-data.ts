import { readFile } from 'node:fs/promises';
import { type ClassTable, type ImageDataset, mergeClasses, parseClassTable } from '@learngene/datasets';
import {
  drawPretraining,
  SHIPPED_SUPERCLASSES,
  shippedSuperclasses,
  wordNetSuperclasses,
} from '@learngene/datasets/node';
import { type Config, ConfigError, counted } from '@learngene/pipeline';
import { writeFileAtomic } from '@learngene/tensor-io/node';

/** How {@link mergeData} merges. */
export interface MergeRequest {
  /** `'wordnet'`, a shipped list (`learngene-606-v1`), or a JSON or TSV file of class and superclass. */
  readonly by: string;
  /** WordNet: how many of ImageNet's classes an ancestor may have under it. */
  readonly mostLeaves?: number;
  /** How many superclasses are drawn to pre-train on; a shipped list says them itself. */
  readonly pretrain?: number;
  /** Seed of the draw. */
  readonly seed?: number;
}

/** What {@link mergeData} gives. */
export interface MergedData {
  /** The data section of a configuration: the table and, where they are drawn, the classes to pre-train on and the novel ones. */
  readonly data: Pick<Config['data'], 'classes' | 'classNames'> & {
    /** The classes of every superclass. */
    readonly superclasses: ClassTable;
    /** The superclasses to keep out. */
    readonly novel?: readonly string[];
  };
  /** What was merged, in a line. */
  readonly line: string;
}

/**
 * Merges the classes of a dataset, as a configuration keeps it.
 *
 * @throws ConfigError for an option that has no part in how the classes are merged, and for classes that cannot be merged so
 */
export async function mergeData(
  dataset: ImageDataset,
  request: MergeRequest,
  classNames?: Config['data']['classNames'],
): Promise<MergedData> {
  try {
    const { table, pretrain } = await tableOf(dataset, request);
    const names = Object.keys(table);
    const { size } = mergeClasses(dataset, table, { missing: 'drop' });
    const novel = names.filter((name) => !pretrain?.includes(name));
    const split = pretrain === undefined ? '' : `, ${pretrain.length} to pre-train on and ${novel.length} novel`;
    return {
      data: {
        ...(classNames === undefined ? {} : { classNames }),
        superclasses: table,
        ...(pretrain === undefined ? {} : { classes: [...pretrain], novel }),
      },
      line: `${counted(dataset.classes.length, 'class', 'classes')} of ${dataset.name} merged to ${names.length}${split}; ${size} of ${counted(dataset.size, 'image')}`,
    };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ConfigError(`by ${request.by}: ${cause.message}`, { argument: 'by', cause });
  }
}

/** Writes merged classes as a configuration that `learngene train --config` reads. */
export async function writeMergedData(file: string, data: MergedData['data']): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify({ data }, null, 2)}\n`);
}

async function tableOf(
  { classes }: ImageDataset,
  { by, mostLeaves, pretrain, seed }: MergeRequest,
): Promise<{ table: ClassTable; pretrain?: readonly string[] }> {
  if (mostLeaves !== undefined && by !== 'wordnet')
    refuse('mostLeaves', `has no part where classes are merged by ${by}`);
  if (pretrain === undefined && seed !== undefined) refuse('seed', 'has a part only where pretrain is given');
  if ((SHIPPED_SUPERCLASSES as readonly string[]).includes(by)) {
    if (pretrain !== undefined) refuse('pretrain', `${by} says itself which superclasses are to pre-train on`);
    return shippedSuperclasses(by, classes);
  }
  if (by === 'wordnet' && mostLeaves === undefined) refuse('mostLeaves', 'needed to merge by wordnet');
  const table = by === 'wordnet' ? await wordNetSuperclasses(classes, mostLeaves as number) : await readFileTable(by);
  if (pretrain === undefined) return { table };
  if (seed === undefined) refuse('seed', 'needed for pretrain');
  return { table, pretrain: drawPretraining(table, pretrain, seed as number) };
}

async function readFileTable(path: string): Promise<ClassTable> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const words = `wordnet, ${SHIPPED_SUPERCLASSES.join(', ')} or a file`;
    const { code } = cause as NodeJS.ErrnoException;
    throw new ConfigError(`by ${path}: expected ${words}, which cannot be read (${code})`, {
      argument: 'by',
      cause,
    });
  });
  return parseClassTable(text, path);
}

function refuse(argument: string, problem: string): never {
  throw new ConfigError(`${argument}: ${problem}`, { argument });
}
