import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DitConfig } from '@learngene/dit';
import { writeFolderAtomic } from '@learngene/tensor-io/node';
import { checkFields } from '../core/checks';
import type { AdaptedModel } from '../model';
import { type DecodedAdapter, decodeAdapter } from './decode';
import { encodeAdapter } from './encode';
import type { ModuleOptions } from './modules';
import { AdapterFileError, FILES } from './names';

/** Options of {@link saveAdapter}. */
export interface SaveAdapterOptions {
  /** The group whose adapter is saved (default the only one). */
  readonly group?: string;
  /** Whether to replace a folder that exists already (default false: that is an error). */
  readonly replace?: boolean;
}

/**
 * Writes the files of `encodeAdapter` into a new folder, all of them or none. Rejects when the folder exists (without
 * `replace`), when it cannot be written, and where `encodeAdapter` rejects.
 */
export async function saveAdapter(
  folder: string,
  model: AdaptedModel,
  options: SaveAdapterOptions = {},
): Promise<void> {
  checkFields('saveAdapter', options, ['group', 'replace']);
  const { group, replace } = options;
  const files = await encodeAdapter(model, group);
  const write = async (temporary: string) => {
    for (const [file, bytes] of files) await writeFile(join(temporary, file), bytes);
  };
  await writeFolderAtomic(folder, write, { replace });
}

/** What PEFT wrote before safetensors: a pickle, which can run code when it is read. */
const PICKLE = 'adapter_model.bin';

/**
 * Reads an adapter's folder as `decodeAdapter` does, PEFT's own folders too. Rejects with {@link AdapterFileError}.
 */
export async function loadAdapter(
  folder: string,
  dit: DitConfig,
  options: ModuleOptions = {},
): Promise<DecodedAdapter> {
  const files = new Map<string, Uint8Array>();
  for (const file of Object.values(FILES)) {
    const path = join(folder, file);
    const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new AdapterFileError(file, error.message, { cause: error });
    });
    if (!info) continue;
    // Asked before opening: to open a pipe would wait for its writer.
    if (!info.isFile()) throw new AdapterFileError(file, 'is no regular file');
    files.set(file, await readFile(path));
  }
  if (!files.has(FILES.tensors) && (await stat(join(folder, PICKLE)).catch(() => undefined))) {
    const remedy = `${PICKLE} is not read: save the adapter again with PEFT's safe_serialization=True`;
    throw new AdapterFileError(FILES.tensors, `is missing; ${remedy}`);
  }
  return decodeAdapter(files, dit, options);
}
