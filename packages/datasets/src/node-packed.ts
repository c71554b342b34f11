import { basename, extname } from 'node:path';
import { TensorFileError } from '@learngene/tensor-io';
import { readNpz, readSafetensors } from '@learngene/tensor-io/node';
import { DatasetFileError } from './errors';
import { type PackedOptions, packedDataset } from './packed';
import type { ImageDataset } from './types';

/**
 * A dataset from packed arrays in an `.npz` or `.safetensors` file. The names of the classes may stand in the metadata of
 * a safetensors file, under `classes`, as a JSON list.
 *
 * @throws DatasetFileError for another ending, metadata that are no list of names, or tensors that do not fit (see
 * `packedDataset`); what `@learngene/tensor-io` throws for a damaged file is its `cause`
 */
export async function packed(file: string, options: PackedOptions = {}): Promise<ImageDataset> {
  const { tensors, metadata } = await readTensors(file);
  const classes = options.classes ?? parseNames(file, metadata.classes);
  try {
    return packedDataset(tensors, { ...options, name: options.name ?? basename(file), classes });
  } catch (cause) {
    // Of a tensor that is there and cannot be read: only the images and the labels are asked for.
    if (!(cause instanceof TensorFileError)) throw cause;
    throw new DatasetFileError(file, `expected packed arrays: ${cause.message}`, { cause });
  }
}

async function readTensors(file: string) {
  const kind = extname(file);
  if (kind !== '.npz' && kind !== '.safetensors') {
    throw new DatasetFileError(file, `expected the ending .npz or .safetensors, got "${kind}"`);
  }
  try {
    if (kind === '.safetensors') return await readSafetensors(file);
    const metadata: Record<string, string> = {};
    return { tensors: await readNpz(file), metadata };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DatasetFileError(file, `expected packed arrays: ${reason}`, { cause });
  }
}

function parseNames(file: string, text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  let names: unknown;
  try {
    names = JSON.parse(text);
  } catch {
    // Reported below: no list.
  }
  if (!Array.isArray(names) || !names.every((name): name is string => typeof name === 'string')) {
    throw new DatasetFileError(file, `metadata.classes: expected a JSON list of names, got ${text.slice(0, 40)}`);
  }
  return names;
}
