import { readFile } from 'node:fs/promises';
import { createGenerator, permutation, stream } from '@learngene/random';
import { checkInteger } from './check';
import type { ClassTable } from './merge-classes';
import { distinctNames, type IsAFacts, liftClasses, parseColumns, tableFor } from './wordnet';

/** Lists of superclasses of ImageNet-1k that come with this package; the number is that of the superclasses. */
export const SHIPPED_SUPERCLASSES = ['learngene-606-v1'] as const;

/** Classes that are merged, with those to pre-train on where the list says them. */
export interface Superclasses {
  /** For every superclass the names of its classes, as the dataset spells them. */
  readonly table: ClassTable;
  /** Superclasses to pre-train on; the others are novel. Only a shipped list says them. */
  readonly pretrain?: readonly string[];
}

/** WordNet's facts and names of the classes of ImageNet-1k, by wnid (`n01440764`). */
interface ImageNet extends IsAFacts {
  /** The class's name with all its synonyms: `tench, Tinca tinca`. */
  readonly names: ReadonlyMap<string, string>;
  /** The first of the synonyms of every class and ancestor. */
  readonly first: ReadonlyMap<string, string>;
}

let facts: Promise<ImageNet> | undefined;

const textOf = (file: string) => readFile(new URL(`../wordnet/${file}`, import.meta.url), 'utf8');

async function readFacts(): Promise<ImageNet> {
  const read = async (name: string, columns: string[]) => parseColumns(await textOf(name), { name, columns });
  const [rows, isA, synsets] = await Promise.all([
    read('classes.tsv', ['index', 'wnid', 'name']),
    read('is_a.tsv', ['child', 'parent']),
    read('synsets.tsv', ['wnid', 'name']),
  ]);
  const parents = new Map<string, string[]>();
  for (const [child, parent] of isA) parents.set(child, [...(parents.get(child) ?? []), parent]);
  const named = rows.map(([, wnid, name]) => [wnid, name] as const);
  const first = [...synsets, ...named].map(([wnid, name]) => [wnid, name.split(', ')[0]] as const);
  return { classes: named.map(([wnid]) => wnid), parents, names: distinctNames(named), first: new Map(first) };
}

const imageNet = () => (facts ??= readFacts());

/**
 * The names of the 1000 classes of ImageNet-1k by wnid, in the usual order: `n01440764` is `tench, Tinca tinca`. The two
 * classes that share the name crane have their wnid in brackets.
 */
export async function imageNetNames(): Promise<ReadonlyMap<string, string>> {
  return (await imageNet()).names;
}

/**
 * Superclasses of classes of ImageNet-1k by WordNet: every class is lifted to its highest ancestor that has at most `mostLeaves`
 * of the 1000 classes under it. 5 gives 656 superclasses, 6 gives 606, 7 gives 562. A superclass has the first of its
 * synonyms as its name, with the wnid in brackets where two share it.
 *
 * @param classes - wnids, or names as of `imageNetNames`; a part of the 1000 gets the superclasses that the whole would give it
 * @throws RangeError for a class that is none of the 1000, and where `mostLeaves` is no whole number above 0
 */
export async function wordNetSuperclasses(classes: readonly string[], mostLeaves: number): Promise<ClassTable> {
  const known = await imageNet();
  const lifted = liftClasses(known, mostLeaves);
  const above = [...new Set(lifted.values())];
  const names = distinctNames(above.map((wnid) => [wnid, known.first.get(wnid) ?? wnid]));
  const groups = new Map<string, string[]>();
  for (const [wnid, ancestor] of lifted) {
    const name = names.get(ancestor) as string;
    groups.set(name, [...(groups.get(name) ?? []), wnid]);
  }
  return inSpelling(classes, Object.fromEntries(groups));
}

/**
 * A shipped list of superclasses, for the classes of a dataset. `learngene-606-v1` is WordNet's with at most 6 classes under an
 * ancestor, 150 of them to pre-train on, drawn by a seed.
 *
 * @throws RangeError for an unknown list, and for a class that is none of ImageNet-1k's
 */
export async function shippedSuperclasses(list: string, classes: readonly string[]): Promise<Required<Superclasses>> {
  if (!(SHIPPED_SUPERCLASSES as readonly string[]).includes(list)) {
    throw new RangeError(`superclasses: expected one of ${SHIPPED_SUPERCLASSES.join(', ')}, got ${list}`);
  }
  const whole = JSON.parse(await textOf(`${list}.json`)) as { superclasses: ClassTable; pretrain: string[] };
  const table = await inSpelling(classes, whole.superclasses);
  return { table, pretrain: whole.pretrain.filter((name) => name in table) };
}

/**
 * Draws superclasses to pre-train on, in the order of the table.
 *
 * @throws RangeError where there are not more superclasses than are drawn
 */
export function drawPretraining(table: ClassTable, count: number, seed: number): string[] {
  const names = Object.keys(table);
  checkInteger('pretrain', count, 1, names.length - 1);
  const drawn = permutation(stream(createGenerator(seed), 'pretraining-classes'), names.length).subarray(0, count);
  return Array.from(drawn)
    .sort((a, b) => a - b)
    .map((place) => names[place]);
}

/** A table of wnids with the classes as a dataset spells them: by wnid or by name. */
async function inSpelling(classes: readonly string[], table: ClassTable): Promise<ClassTable> {
  const { names } = await imageNet();
  const wnidOf = new Map(Array.from(names, ([wnid, name]) => [name, wnid]));
  const spelling = new Map(classes.map((name) => [wnidOf.get(name) ?? name, name]));
  const part = tableFor([...spelling.keys()], table);
  return Object.fromEntries(
    Object.entries(part).map(([name, members]) => [name, members.map((wnid) => spelling.get(wnid) as string)]),
  );
}
