import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { loadParams } from '@learngene/nn/node';
import { sha256File } from '@learngene/tensor-io/node';
import { checkpointPath } from './run-folder';

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
    throw new Error(`${stateFile}: expected a checkpoint of format 1 or ${CHECKPOINT_FORMAT}`);
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
