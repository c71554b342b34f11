import { basename, extname } from 'node:path';
import { openNpz, type TensorData } from '@learngene/tensor-io';
import { fileSource, openSafetensorsFile } from '@learngene/tensor-io/node';
import { listNames } from './class-names';
import { DatasetFileError } from './errors';
import { IMAGE_TENSORS, LABEL_TENSORS, type PackedOptions, packedDataset } from './packed';
import type { ImageDataset } from './types';

/**
 * A dataset from packed arrays in an `.npz` or `.safetensors` file. The metadata of a safetensors file may hold the
 * class names as a JSON list under `classes`.
 *
 * @throws DatasetFileError for another ending, metadata that are no list of names, or tensors that do not fit (see
 *   `packedDataset`); what `@learngene/tensor-io` throws for a damaged file is its `cause`
 */
export async function packed(file: string, options: PackedOptions = {}): Promise<ImageDataset> {
  const { tensors, metadata } = await opened(file, async (open) => {
    const first = (asked: string | undefined, usual: readonly string[]) =>
      (asked === undefined ? usual : [asked]).find((name) => open.names.includes(name));
    const names = [first(options.images, IMAGE_TENSORS), first(options.labels, LABEL_TENSORS)];
    // Only the images and the labels are asked for: other tensors in the file may be of unsupported kinds.
    const read = names.flatMap((name) => (name === undefined ? [] : [open.read(name).then((t) => [name, t] as const)]));
    const found = new Map<string, TensorData>(await Promise.all(read));
    if (names[0] !== undefined) return { tensors: found, metadata: open.metadata };
    const expected = options.images === undefined ? 'images in "arr_0" or "images"' : `a tensor "${options.images}"`;
    throw new DatasetFileError(file, `expected ${expected}, got ${listNames(open.names) || 'nothing'}`);
  });
  const classes = options.classes ?? parseNames(file, metadata.classes);
  return packedDataset(tensors, { ...options, name: options.name ?? basename(file), classes });
}

/** The names of all tensors in an `.npz` or `.safetensors` file; DatasetFileError where it cannot be read. */
export function packedNames(file: string): Promise<readonly string[]> {
  return opened(file, async ({ names }) => names);
}

/** An open file of tensors. */
interface OpenTensors {
  readonly names: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  read(name: string): Promise<TensorData>;
  close(): Promise<void>;
}

async function openTensors(file: string): Promise<OpenTensors> {
  if (extname(file) === '.safetensors') return openSafetensorsFile(file);
  const { names, read, close } = await openNpz(await fileSource(file));
  return { names, metadata: {}, read, close };
}

/** Opens a file, runs `use` on it, and closes it. */
async function opened<T>(file: string, use: (open: OpenTensors) => Promise<T>): Promise<T> {
  const kind = extname(file);
  if (kind !== '.npz' && kind !== '.safetensors') {
    throw new DatasetFileError(file, `expected the ending .npz or .safetensors, got "${kind}"`);
  }
  try {
    const open = await openTensors(file);
    try {
      return await use(open);
    } finally {
      await open.close();
    }
  } catch (cause) {
    if (cause instanceof DatasetFileError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    const reason = message.startsWith(`${file}: `) ? message.slice(file.length + 2) : message;
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
