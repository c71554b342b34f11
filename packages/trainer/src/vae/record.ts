import { join } from 'node:path';
import { ConfigError } from '@learngene/pipeline';
import {
  CONFIG_FILE,
  type EnlargedRecord,
  type ImageRecord,
  identify,
  RUN_FORMAT,
  type RunChange,
  readRecordJson,
} from '@learngene/pipeline/node';
import { type VaeConfig, validateVaeConfig } from '@learngene/vae';
import { parseVaeTrainingConfig, type VaeTrainingConfig } from './config';

/** What `config.json` of the run of an autoencoder holds: all that is needed to repeat it. */
export interface VaeRunRecord {
  /** The format of the run folder. */
  readonly format: typeof RUN_FORMAT;
  /** The command that trains it. */
  readonly command: 'vae train';
  /** What is trained. */
  readonly kind: 'autoencoder';
  /** The whole configuration. */
  readonly config: VaeTrainingConfig;
  /** Shapes of the autoencoder. */
  readonly model: VaeConfig;
  /** The engine that the run was started on. */
  readonly engine: string;
  /** Versions of Node and of the packages. */
  readonly versions: Readonly<Record<string, string>>;
  /** What is known of the images to train on. */
  readonly images: ImageRecord;
  /** The image files that were enlarged, where there are any. */
  readonly enlarged?: EnlargedRecord;
  /** What was changed when it was continued, oldest first. */
  readonly changes?: readonly RunChange[];
}

const FIELDS = Object.keys({
  format: 0,
  command: 0,
  kind: 0,
  config: 0,
  model: 0,
  engine: 0,
  versions: 0,
  images: 0,
  enlarged: 0,
  changes: 0,
} satisfies Record<keyof VaeRunRecord, 0>);

/**
 * Reads the record of a run that trains an autoencoder.
 *
 * @throws ConfigError where there is none, or one of another command or format
 */
export async function readVaeRunRecord(run: string): Promise<VaeRunRecord> {
  const file = join(run, CONFIG_FILE);
  const record = (await readRecordJson(run)) as Partial<VaeRunRecord> | null;
  if (record?.kind !== 'autoencoder' || record.command !== 'vae train') {
    throw new ConfigError(`${run}: expected the run of an autoencoder; this is ${(await identify(run)).what}`);
  }
  if (record.format !== RUN_FORMAT) {
    throw new ConfigError(`${file}: expected format ${RUN_FORMAT}, got ${JSON.stringify(record.format)}`);
  }
  const unknown = Object.keys(record).find((field) => !FIELDS.includes(field));
  if (unknown !== undefined) {
    throw new ConfigError(`${file}: expected only ${FIELDS.join(', ')}, got ${JSON.stringify(unknown)}`);
  }
  try {
    validateVaeConfig(record.model as VaeConfig);
  } catch (cause) {
    throw new ConfigError(`${file}: model.${(cause as Error).message}`, { cause });
  }
  return { ...(record as VaeRunRecord), config: parseVaeTrainingConfig(record.config, file) };
}
