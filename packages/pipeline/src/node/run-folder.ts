import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type KindConfig, kindConfig } from '@learngene/kind';
import { duplicateKey } from '@learngene/tensor-io';
import { parseConfig } from '../config/load';
import type { Config } from '../config/schema';
import { ConfigError } from '../errors';
import { identify } from './identify';
import type { ImageRecord } from './image-record';
import { isRunFormat, runFormat } from './run-format';

/** What `config.json` of a run holds: all that is needed to repeat it. */
export interface RunRecord {
  /** The format of the run folder. */
  format: typeof runFormat;
  /** `train` or `transfer`. */
  command: 'train' | 'transfer';
  /** The whole configuration. */
  config: Config;
  /** Shapes, groups and gate of the model. */
  model: KindConfig;
  /** The engine that the run was started on. */
  engine: string;
  /** Versions of Node and of the packages. */
  versions: Record<string, string>;
  /** The file of the dense model that a pre-training started from. */
  dense?: string;
  /** What a transfer started from. */
  base?: { path: string; classes: string[]; domain: 'near' | 'distant' };
  /** What is known of the images that it was started on; runs of older versions have none. */
  images?: ImageRecord;
}

/** The file of a run's record. */
export const configFile = 'config.json';

/** Every field of a {@link RunRecord}; another one might change what a run does and is refused. */
const recordFields = Object.keys({
  format: 0,
  command: 0,
  config: 0,
  model: 0,
  engine: 0,
  versions: 0,
  dense: 0,
  base: 0,
  images: 0,
} satisfies Record<keyof RunRecord, 0>);

/** Reads the record of a run folder. */
export async function readRunRecord(path: string): Promise<RunRecord> {
  const file = join(path, configFile);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (!existsSync(path)) throw new ConfigError(`${path}: not a run folder; there is nothing`, { cause: error });
    const { what } = await identify(path);
    throw new ConfigError(`${path}: not a run folder (no ${configFile}); this is ${what}`, { cause: error });
  }
  let record: Omit<RunRecord, 'format'> & { format: unknown };
  try {
    record = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`${file}: not valid JSON`, { cause: error });
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw new ConfigError(`${file}: holds a key twice: ${JSON.stringify(twice)}`);
  if (record === null || typeof record !== 'object' || !isRunFormat(record.format)) {
    throw new ConfigError(
      `${file}: expected a run record of format 1 or ${runFormat}; this is of ${(await identify(path)).what}`,
    );
  }
  const unknown = Object.keys(record).find((field) => !recordFields.includes(field));
  if (unknown !== undefined) {
    throw new ConfigError(`${file}: expected only ${recordFields.join(', ')}, got ${JSON.stringify(unknown)}`);
  }
  try {
    return { ...record, format: runFormat, config: parseConfig(record.config, file), model: kindConfig(record.model) };
  } catch (error) {
    throw error instanceof ConfigError ? error : new ConfigError(`${file}: model`, { cause: error });
  }
}

/** Whether a folder holds a run; other folders have a config.json, too. */
export function isRunFolder(path: string): boolean {
  return existsSync(join(path, configFile)) && existsSync(join(path, 'checkpoints'));
}

/** The steps of the complete checkpoints of a run, rising. A checkpoint appears by rename, so what is there is whole. */
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
