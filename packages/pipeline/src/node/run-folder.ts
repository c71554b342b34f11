import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DitConfig, ditConfig } from '@learngene/dit';
import { type KindConfig, kindConfig, type Trainable } from '@learngene/kind';
import { duplicateKey } from '@learngene/tensor-io';
import { parseConfig } from '../config/load';
import type { Config } from '../config/schema';
import { ConfigError } from '../errors';
import { identify } from './identify';
import type { EnlargedRecord, ImageRecord } from './image-record';
import { isRunFormat, RUN_FORMAT } from './run-format';

/** What every run's record holds. */
interface CommonRecord {
  /** The format of the run folder. */
  format: typeof RUN_FORMAT;
  /** `train` or `transfer`. */
  command: 'train' | 'transfer';
  /** The whole configuration. */
  config: Config;
  /** The engine that the run was started on. */
  engine: string;
  /** Versions of Node and of the packages. */
  versions: Record<string, string>;
  /** The file of the dense model that a pre-training started from. */
  dense?: string;
  /** What a transfer started from. */
  base?: {
    /** The run or the bundle. */
    path: string;
    /** The classes that it knows. */
    classes: string[];
    /** Whether its shared part was kept, or trained anew for another domain. */
    domain: 'near' | 'distant';
    /** Which parts are trained (default: tailors; of a distant domain the dense parts too). */
    trainable?: Trainable;
    /** What samples without a label use, where it is another part than in the base. */
    nullGate?: KindConfig['nullGate'];
    /**
     * Hash of the base, which a transfer to a near domain keeps: its tailors fit the bundles of that hash. Runs of older
     * versions have none.
     */
    hash?: string;
  };
  /** The record of the images that it was started on. Runs of older versions have none. */
  images?: ImageRecord;
  /** The image files that were enlarged, where there are any. */
  enlarged?: EnlargedRecord;
  /** What was changed when it was continued, oldest first. */
  changes?: readonly RunChange[];
}

/** What of a run's configuration was changed when it was continued. */
export interface RunChange {
  /** Steps done before. */
  step: number;
  /** For each changed key of the configuration its value before and after; null stands for none. */
  config: Readonly<Record<string, readonly [before: unknown, after: unknown]>>;
}

/** The record of a run that trains learngenes and tailors. */
export interface KindRunRecord extends CommonRecord {
  /** The kind of model that is trained. Runs of format 1 are of this kind and lack the field. */
  kind: 'kind';
  /** Shapes, groups and gate of the model. */
  model: KindConfig;
}

/** A plain DiT and its classes. */
export interface DenseRunModel {
  /** Shapes of the network. */
  dit: DitConfig;
  /** The name of every class, by class id. */
  classNames: readonly string[];
}

/** The record of a run that trains a plain DiT. */
export interface DenseRunRecord extends CommonRecord {
  /** What kind of model is trained. */
  kind: 'dense';
  /** Shapes and classes of the model. */
  model: DenseRunModel;
}

/** What `config.json` of a run holds: all that is needed to repeat it. */
export type RunRecord = KindRunRecord | DenseRunRecord;

/** The file of a run's record. */
export const CONFIG_FILE = 'config.json';

/** All fields of a {@link RunRecord}. Another field is refused, because it might change what a run does. */
const recordFields = Object.keys({
  format: 0,
  command: 0,
  kind: 0,
  config: 0,
  model: 0,
  engine: 0,
  versions: 0,
  dense: 0,
  base: 0,
  images: 0,
  enlarged: 0,
  changes: 0,
} satisfies Record<keyof RunRecord, 0>);

/**
 * Reads the JSON of the record of a run folder, of whatever command; nothing in it is checked yet.
 *
 * @throws ConfigError where there is no record, or one that is not JSON or holds a key twice
 */
export async function readRecordJson(path: string): Promise<unknown> {
  const file = join(path, CONFIG_FILE);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (!existsSync(path)) throw new ConfigError(`${path}: not a run folder: no such file or folder`);
    const { what } = await identify(path);
    throw new ConfigError(`${path}: not a run folder (no ${CONFIG_FILE}); this is ${what}`, { cause: error });
  }
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`${file}: not valid JSON`, { cause: error });
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw new ConfigError(`${file}: holds a key twice: ${JSON.stringify(twice)}`);
  return record;
}

/** Reads the record of a run folder. */
export async function readRunRecord(path: string): Promise<RunRecord> {
  const file = join(path, CONFIG_FILE);
  type Read = Omit<CommonRecord, 'format'> & { format: unknown; kind?: unknown; model: unknown };
  const record = (await readRecordJson(path)) as Read;
  if (record === null || typeof record !== 'object' || !isRunFormat(record.format)) {
    const format: unknown = (record as { format?: unknown } | null)?.format;
    const expected = `${file}: expected a run record of format 1 or ${RUN_FORMAT}`;
    if (format !== undefined) throw new ConfigError(`${expected}, got format ${JSON.stringify(format)}`);
    throw new ConfigError(`${expected}; this is of ${(await identify(path)).what}`);
  }
  if (record.kind !== undefined && record.kind !== 'kind' && record.kind !== 'dense') {
    const kind = JSON.stringify(record.kind);
    throw new ConfigError(`${file}: kind: expected kind or dense, got ${kind}; this is ${(await identify(path)).what}`);
  }
  const unknown = Object.keys(record).find((field) => !recordFields.includes(field));
  if (unknown !== undefined) {
    throw new ConfigError(`${file}: expected only ${recordFields.join(', ')}, got ${JSON.stringify(unknown)}`);
  }
  try {
    const common = { ...record, format: RUN_FORMAT, config: parseConfig(record.config, file) } as const;
    const { kind = 'kind', model } = record;
    if (kind === 'kind') return { ...common, kind, model: kindConfig(model as KindConfig) };
    return { ...common, kind: 'dense', model: denseRunModel(model) };
  } catch (error) {
    throw error instanceof ConfigError ? error : new ConfigError(`${file}: model`, { cause: error });
  }
}

/** A checked {@link DenseRunModel}. */
function denseRunModel(value: unknown): DenseRunModel {
  const { dit, classNames, ...rest } = value as DenseRunModel;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new Error(`model: expected only dit, classNames, got ${JSON.stringify(unknown)}`);
  const model = { dit: ditConfig(dit), classNames };
  const names = Array.isArray(classNames) && classNames.every((name) => typeof name === 'string');
  if (!names || classNames.length !== model.dit.classes) {
    throw new Error(
      `model.classNames: expected the names of ${model.dit.classes} classes, got ${JSON.stringify(classNames)}`,
    );
  }
  return model;
}

/**
 * Reads the record of a run that trains learngenes and tailors.
 *
 * @throws ConfigError for a run of a plain DiT, which has none
 */
export async function readKindRecord(path: string): Promise<KindRunRecord> {
  const record = await readRunRecord(path);
  if (record.kind === 'kind') return record;
  throw new ConfigError(`${path}: expected a run of learngenes and tailors; this one trains a dense DiT`);
}

/** Whether a folder holds a run. Other folders may have a config.json too. */
export function isRunFolder(path: string): boolean {
  return existsSync(join(path, CONFIG_FILE)) && existsSync(join(path, 'checkpoints'));
}

/** The steps of the checkpoints of a run, ascending. A checkpoint appears by a rename, so each is complete. */
export async function checkpointSteps(run: string): Promise<number[]> {
  const folder = join(run, 'checkpoints');
  if (!existsSync(folder)) return [];
  const names = await readdir(folder);
  return names
    .map((name) => /^step-(\d+)$/.exec(name)?.[1])
    .filter((step) => step !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** The folder of the checkpoint at a step. */
export function checkpointPath(run: string, step: number): string {
  return join(run, 'checkpoints', `step-${step}`);
}
