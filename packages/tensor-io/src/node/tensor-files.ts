import { existsSync } from 'node:fs';
import { checkOptions } from '../arguments';
import { askedNames, readEachAsync } from '../read-each';
import type { TensorData } from '../tensor-data';
import { type TensorFile, tensorsUnder } from '../tensor-file';
import { TensorFileError } from '../tensor-file-error';
import { openTorch, type TorchFile } from '../torch/torch-file';
import { fileSource } from './file-source';
import { openSafetensorsFile } from './safetensors-files';

/** The endings of files that `torch.save` writes. */
const TORCH_ENDING = /\.(pt|pth|bin|ckpt)$/i;

/** Whether a path has an ending of files that `torch.save` writes: `.pt`, `.pth`, `.ckpt` or `.bin`. */
export function isTorchPath(path: string): boolean {
  return TORCH_ENDING.test(path);
}

/**
 * Opens a file on disk that `torch.save` wrote; see `openTorch`. The caller closes it.
 *
 * @throws {@link TensorFileError} where it cannot be opened, breaks the format, or holds more than tensors
 */
export async function openTorchFile(path: string): Promise<TorchFile> {
  return openTorch(await fileSource(path));
}

/**
 * Opens a file of tensors on disk by its ending: `.pt`, `.pth`, `.ckpt` and `.bin` as those of `torch.save`, anything
 * else as safetensors, sharded ones too (see `openSafetensorsFile`). The caller closes it.
 *
 * @throws {@link TensorFileError} where it cannot be opened or breaks its format
 */
export async function openTensorFile(path: string): Promise<TensorFile> {
  if (typeof path !== 'string') throw new TensorFileError(String(path), 'expected a path');
  return isTorchPath(path) ? openTorchFile(path) : openSafetensorsFile(path);
}

/**
 * The file of weights at a path: the path itself, or, where nothing is there, the `.bin` that older versions of diffusers
 * wrote in place of the `.safetensors`.
 */
export function weightsAt(path: string): string {
  const older = path.replace(/\.safetensors$/, '.bin');
  const isThere = existsSync(path) || existsSync(`${path}.index.json`);
  return !isThere && older !== path && existsSync(older) ? older : path;
}

/** Options of {@link readTensors}. */
export interface ReadTensorsOptions {
  /** Reads only what lies under this key, without it in the names: `ema` of a checkpoint (default: all). */
  key?: string;
  /** The tensors to read (default all, or those of `optional` alone); one that the file does not hold is an error. */
  names?: readonly string[];
  /** Tensors to read where the file holds them, beside `names`. */
  optional?: readonly string[];
}

/**
 * Reads the tensors of a file as {@link openTensorFile} opens it, each into new memory that the caller owns. A tensor of
 * an unsupported element type is listed by name; `get` of that name, or iterating over the values, throws.
 *
 * @throws {@link TensorFileError} for any file that breaks its format, a tensor that it lacks, and a wrong option
 */
export async function readTensors(path: string, options: ReadTensorsOptions = {}): Promise<Map<string, TensorData>> {
  checkOptions(path, options, ['key', 'names', 'optional']);
  const { key, ...asked } = options;
  const file = await openTensorFile(path);
  try {
    const part = key === undefined ? file : tensorsUnder(file, key, path);
    return await readEachAsync(askedNames(path, part.names, asked), (name) => part.read(name));
  } finally {
    await file.close();
  }
}
