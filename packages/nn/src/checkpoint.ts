import { readSafetensors, writeSafetensors } from '@learngene/tensor-io/node';
import { paramsFromTensorData, paramsLike, paramsToTensorData } from './tensor-data';
import type { ParamTree } from './tree';

/** A tree read from a file. */
export interface Checkpoint<P extends ParamTree = ParamTree> {
  /** Parameters; the caller owns them. */
  readonly params: P;
  /** The string metadata of the file. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Writes a tree as a float32 safetensors file whose keys are the dotted names. The file appears complete or not at all.
 *
 * @param options.metadata Strings kept in the header of the file.
 */
export async function saveParams(
  path: string,
  tree: ParamTree,
  options: { metadata?: Record<string, string> } = {},
): Promise<void> {
  await writeSafetensors(path, await paramsToTensorData(tree), options);
}

/**
 * Reads a safetensors file as a tree; every dtype becomes float32.
 *
 * @returns Parameters that the caller owns, and the metadata.
 * @throws Error if the file is not a valid safetensors file.
 */
export async function loadParams(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = await readSafetensors(path);
  return { params: paramsFromTensorData(tensors), metadata };
}

/**
 * Reads a safetensors file that must have exactly the names and shapes of `template`.
 *
 * @returns Parameters of the template's type that the caller owns, and the metadata.
 * @throws Error that names the file, what is missing, what is not known and which shapes differ.
 */
export async function loadParamsLike<P extends ParamTree>(path: string, template: P): Promise<Checkpoint<P>> {
  const { tensors, metadata } = await readSafetensors(path);
  try {
    return { params: paramsLike(template, tensors), metadata };
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}
