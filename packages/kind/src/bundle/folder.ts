import { mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { fileSource, writeFileAtomic, writeFolderAtomic } from '@learngene/tensor-io/node';
import { checkFlag, checkOptionNames } from '../option-names';
import type { AnyKindModel } from '../params';
import { BundleError } from './bundle-error';
import { decomposeKind } from './decompose';
import { MAX_MANIFEST_BYTES } from './manifest';
import {
  type BundleModel,
  type FetchPiece,
  type NetworkBundleModel,
  type OpenBundleOptions,
  type OpenNetworkBundleOptions,
  openBundle,
  openBundleManifest,
} from './open';

/** Options of {@link saveBundle}. */
export interface SaveBundleOptions {
  /** Strings to keep in kind.json. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Whether to replace a folder that exists already (default false: that is an error). */
  readonly replace?: boolean;
}

/**
 * Writes the files of `decomposeKind` into a new folder, all of them or none. Rejects when the folder exists (without
 * `replace`), when it cannot be written, and where `decomposeKind` rejects.
 */
export async function saveBundle(folder: string, model: AnyKindModel, options: SaveBundleOptions = {}): Promise<void> {
  checkOptionNames('saveBundle', options, ['metadata', 'replace']);
  const { metadata, replace } = options;
  checkFlag('replace', replace);
  const files = await decomposeKind(model, metadata);
  const write = async (temporary: string) => {
    for (const [file, bytes] of files) {
      const path = join(temporary, file);
      await mkdir(dirname(path), { recursive: true });
      await writeFileAtomic(path, bytes);
    }
  };
  await writeFolderAtomic(folder, write, { replace });
}

/**
 * Reads the folder of a bundle as `openBundle` does. The size on disk is compared with kind.json before a file is read.
 * Nothing outside the folder is read, not even through a symbolic link.
 *
 * @returns A model owned by the caller. Rejects with {@link BundleError}, or a plain Error for a group it does not have.
 */
export function loadBundle(folder: string, options?: OpenBundleOptions): Promise<BundleModel>;
export function loadBundle(folder: string, options: OpenNetworkBundleOptions): Promise<NetworkBundleModel>;
export async function loadBundle(
  folder: string,
  options: OpenBundleOptions & Partial<OpenNetworkBundleOptions> = {},
): Promise<BundleModel | NetworkBundleModel> {
  checkOptionNames('loadBundle', options, ['groups', 'network']);
  return naming(folder, () => openBundle(filesOf(folder), options as OpenNetworkBundleOptions));
}

/**
 * Reads only kind.json of the bundle of a Diffusion Transformer, without any tensor.
 *
 * @returns The config of all groups and the strings kept beside it. Rejects with {@link BundleError}.
 */
export async function readBundleManifest(folder: string): Promise<Pick<BundleModel, 'config' | 'metadata'>> {
  return naming(folder, () => openBundleManifest(filesOf(folder)));
}

/** What `work` gives; a {@link BundleError} that it throws names the folder too. */
async function naming<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    throw new BundleError(error.file, error.problem, {
      folder,
      ...(error.cause !== undefined && { cause: error.cause }),
    });
  }
}

function filesOf(folder: string): FetchPiece {
  return async (file, expected) => {
    const root = await realpath(folder);
    const path = await realpath(join(root, file));
    if (path !== join(root, file) && !path.startsWith(root.endsWith(sep) ? root : root + sep)) {
      throw new BundleError(file, 'leads out of the folder');
    }
    // Asked before opening: to open a pipe would wait for its writer.
    if (!(await stat(path)).isFile()) throw new BundleError(file, 'is no regular file');
    const source = await fileSource(path);
    try {
      if (expected && source.size !== expected.bytes) {
        throw new BundleError(file, `expected ${expected.bytes} bytes, got ${source.size}`);
      }
      if (source.size > (expected?.bytes ?? MAX_MANIFEST_BYTES)) {
        throw new BundleError(file, `expected at most ${MAX_MANIFEST_BYTES} bytes, got ${source.size}`);
      }
      return await source.read(0, source.size);
    } finally {
      await source.close();
    }
  };
}
