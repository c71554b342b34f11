import type { BaseSpec } from './base-spec';
import type { TrialTable } from './result';

/**
 * The format of plans, and of the folders that hold their results. Format 1 had other words, and its folders are found
 * again: names of files and folders are still made of those words. Every word that changed stands here, and nowhere else.
 */
export const PLAN_FORMAT = 2;

/** Folders of format 1 with the names that they have today. */
export const RENAMED_FOLDERS: readonly (readonly [old: string, now: string])[] = [
  ['cells', 'trials'],
  ['retired', 'archived'],
];

const OLD_TABLES: Readonly<Record<TrialTable, string>> = {
  'iso-parameters': 'parameters',
  'iso-macs': 'macs',
  ablation: 'ablation',
  budget: 'budget',
};

const newTables = new Map(Object.entries(OLD_TABLES).map(([now, old]) => [old, now]));

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** Renames fields and keeps their order. */
function renamed(fields: Fields, rename: (name: string, value: unknown) => readonly [string, unknown]): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => rename(name, value)));
}

const tableOfFormat1 = (value: unknown) => (typeof value === 'string' ? (newTables.get(value) ?? value) : value);

/** A plan of format 1 in the words of today; undefined where the value is none. */
export function planOfFormat1(value: unknown): unknown {
  if (!isFields(value) || value.format !== undefined || !('grids' in value) || 'sweeps' in value) return undefined;
  const rows = Array.isArray(value.grids) ? value.grids : [value.grids];
  const sweeps = rows.map((row) => (isFields(row) ? { ...row, table: tableOfFormat1(row.table) } : row));
  return renamed(value, (name, field) => (name === 'grids' ? ['sweeps', sweeps] : [name, field]));
}

/** The result or the error of a trial: one of format 1 in the words of today, another one as it is. */
export function resultOfAnyFormat(value: unknown): unknown {
  if (!isFields(value) || !('cell' in value)) return value;
  const { cell, ...rest } = value;
  const result: Fields = { trial: cell, ...rest, ...('table' in rest && { table: tableOfFormat1(rest.table) }) };
  if (result.table !== 'budget') return result;
  // Nothing is trained for a budget: what stood there was not measured.
  const { learningRate: _rate, stepMs: _ms, trainSeconds: _seconds, ...measured } = result;
  return measured;
}

/** Words of a base's spec that changed: the name of today, the names that it had, and its value in format 1. */
const SPEC_WORDS: readonly { now: string; old: readonly string[]; values?: readonly (readonly [string, string])[] }[] =
  [
    { now: 'factorLearningRateScale', old: ['factorRate'] },
    { now: 'stepsScale', old: ['longer'] },
    { now: 'sweepSteps', old: ['sweep'], values: [['full', 'whole']] },
  ];

/** The spec of a base: one of format 1 in the words of today, another one as it is. */
export function specOfAnyFormat(spec: Fields): Fields {
  return renamed(spec, (name, value) => {
    const word = SPEC_WORDS.find(({ old }) => old.includes(name));
    if (word === undefined) return [name, value];
    return [word.now, word.values?.find(([, before]) => before === value)?.[0] ?? value];
  });
}

/** A base's spec as names of files are made of it. */
export function specInKey(spec: BaseSpec): Fields {
  return renamed({ ...spec }, (name, value) => {
    const word = SPEC_WORDS.find(({ now }) => now === name);
    if (word === undefined) return [name, value];
    return [word.old[0], word.values?.find(([now]) => now === value)?.[1] ?? value];
  });
}

/** A table as names of files are made of it. */
export function tableInKey(table: TrialTable): string {
  return OLD_TABLES[table];
}
