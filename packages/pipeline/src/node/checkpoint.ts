import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { loadParams } from '@learngene/nn/node';
import { sha256File } from '@learngene/tensor-io/node';
import { checkpointPath, checkpointSteps } from './run-folder';

/** The content of a checkpoint. */
export interface CheckpointContent {
  /** Parameter trees, one safetensors file each, e.g. `params`, `ema`, `optimizer`. */
  trees: Readonly<Record<string, ParamTree>>;
  /** Everything that is not a tensor; JSON. */
  state: Readonly<Record<string, unknown>>;
}

/** A checkpoint that was read. */
export interface LoadedCheckpoint extends CheckpointContent {
  /** The format of `state`; {@link CHECKPOINT_FORMAT} is written, 1 came before it. */
  format: StateFile['format'];
}

/** The format of the checkpoints that are written. The `state` of format 1 had other fields. */
export const CHECKPOINT_FORMAT = 2;

/** What `state.json` of a checkpoint holds. */
export interface StateFile {
  /** The format of the fields of `state`. */
  format: 1 | typeof CHECKPOINT_FORMAT;
  /** sha256 of `files` and `state`, so that a damaged or edited file is noticed. */
  checksum: string;
  /** sha256 of every tree's file, by the tree's name. */
  files: Record<string, string>;
  /** Everything that is not a tensor. */
  state: Record<string, unknown>;
}

/** The checksum of `state.json`, which the file itself holds. */
export function checksumOf({ files, state }: Pick<StateFile, 'files' | 'state'>): string {
  return createHash('sha256').update(JSON.stringify({ files, state })).digest('hex');
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads the checkpoint of a step, or only some of its trees; the caller owns the trees.
 *
 * @throws Error that names the file where something is missing or its checksum is wrong
 */
export async function loadCheckpoint(run: string, step: number, only?: readonly string[]): Promise<LoadedCheckpoint> {
  const folder = checkpointPath(run, step);
  const stateFile = join(folder, 'state.json');
  let content: StateFile;
  try {
    content = JSON.parse(await readFile(stateFile, 'utf8')) as StateFile;
  } catch (error) {
    throw new Error(`${stateFile}: cannot be read`, { cause: error });
  }
  const known = content?.format === 1 || content?.format === CHECKPOINT_FORMAT;
  if (!known || !isObject(content.files) || !isObject(content.state)) {
    const got = known ? 'one without files or state' : `format ${JSON.stringify(content?.format)}`;
    throw new Error(`${stateFile}: expected a checkpoint of format 1 or ${CHECKPOINT_FORMAT}, got ${got}`);
  }
  if (checksumOf(content) !== content.checksum)
    throw new Error(`${stateFile}: its checksum is not that of its content`);
  const trees: Record<string, ParamTree> = {};
  try {
    for (const [name, checksum] of Object.entries(content.files)) {
      if (only !== undefined && !only.includes(name)) continue;
      if (!/^[a-z]+$/.test(name)) throw new Error(`${stateFile}: expected names of letters, got ${name}`);
      const file = join(folder, `${name}.safetensors`);
      if ((await sha256File(file)) !== checksum) throw new Error(`${file}: its checksum is not that of state.json`);
      trees[name] = (await loadParams(file)).params;
    }
  } catch (error) {
    for (const tree of Object.values(trees)) disposeParams(tree);
    throw error;
  }
  return { trees, state: content.state, format: content.format };
}

/** A checkpoint that was read, and its step. */
export interface NewestCheckpoint extends LoadedCheckpoint {
  /** Steps done. */
  step: number;
}

/**
 * Reads the newest checkpoint of a run, or only some of its trees; the caller owns the trees. Undefined where there is none.
 *
 * @throws Error as {@link loadCheckpoint}; where an older checkpoint is sound, it says what continues from that one
 */
export async function loadNewestCheckpoint(
  run: string,
  only?: readonly string[],
): Promise<NewestCheckpoint | undefined> {
  const older = await checkpointSteps(run);
  const step = older.pop();
  if (step === undefined) return undefined;
  try {
    return { step, ...(await loadCheckpoint(run, step, only)) };
  } catch (error) {
    const damaged = [checkpointPath(run, step)];
    for (const before of older.reverse()) {
      if (await isSound(run, before, only)) {
        const advice = `delete ${damaged.join(' and ')} to continue from step ${before}, whose checkpoint is sound`;
        throw new Error(`${(error as Error).message}; ${advice}`, { cause: error });
      }
      damaged.push(checkpointPath(run, before));
    }
    throw error;
  }
}

/** Whether a checkpoint, or some of its trees, can be read. */
async function isSound(run: string, step: number, only: readonly string[] | undefined): Promise<boolean> {
  try {
    const { trees } = await loadCheckpoint(run, step, only);
    for (const tree of Object.values(trees)) disposeParams(tree);
    return true;
  } catch {
    return false;
  }
}
