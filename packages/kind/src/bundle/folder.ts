import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic, writeFolderAtomic } from '@learngene/tensor-io/node';
import { checkFlag, checkOptionNames } from '../option-names';
import type { AnyKindModel } from '../params';
import { decomposeKind } from './decompose';
import { folderBundle, naming } from './folder-files';
import {
  type BundleManifest,
  type BundleModel,
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
  /** What numbers are stored as (default 'float32'), see `decomposeKind`. */
  readonly dtype?: 'float32' | 'float16';
  /** Whether to replace a folder that exists already (default false: that is an error). */
  readonly replace?: boolean;
}

/**
 * Writes the files of `decomposeKind` into a new folder, all of them or none. Rejects when the folder exists (without
 * `replace`), when it cannot be written, and where `decomposeKind` rejects.
 */
export async function saveBundle(folder: string, model: AnyKindModel, options: SaveBundleOptions = {}): Promise<void> {
  checkOptionNames('saveBundle', options, ['metadata', 'dtype', 'replace']);
  const { metadata, dtype, replace } = options;
  checkFlag('replace', replace);
  const files = await decomposeKind(model, metadata, dtype === undefined ? {} : { dtype });
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
  return naming(folder, () => openBundle(folderBundle(folder), options as OpenNetworkBundleOptions));
}

/**
 * Reads only kind.json of the bundle of a Diffusion Transformer, without any tensor.
 *
 * @returns The config of all groups, the strings kept beside it, the base and the files. Rejects with {@link BundleError}.
 */
export async function readBundleManifest(folder: string): Promise<BundleManifest> {
  return naming(folder, () => openBundleManifest(folderBundle(folder)));
}
