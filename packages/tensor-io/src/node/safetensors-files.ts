import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { checkOptions } from '../arguments';
import { askedNames, readEachAsync } from '../read-each';
import type { DecodedSafetensors } from '../safetensors-decode';
import { type SafetensorsOptions, safetensorsChunks } from '../safetensors-encode';
import { openSafetensors, type SafetensorsFile } from '../safetensors-file';
import { planShards } from '../shard-plan';
import { openShardedSafetensors } from '../sharded-safetensors';
import type { NamedTensors } from '../tensor-data';
import { writeFileAtomic } from './atomic-file';
import { fileSource } from './file-source';
import { systemError } from './system-error';

/** Options of {@link writeSafetensors}. */
export interface WriteSafetensorsOptions extends SafetensorsOptions {
  /** The most bytes of tensor data in one file (default: no limit). Beyond it the tensors go into numbered files with an index. */
  maxShardBytes?: number;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}

/**
 * Opens a safetensors file on disk, or a sharded checkpoint. A sharded one is found by the path of its index, or by the
 * path that a single file would have (`model.safetensors` finds `model.safetensors.index.json`). Only headers are read.
 * The caller closes it.
 * @throws {@link TensorFileError} where nothing can be opened or a header breaks the format.
 */
export async function openSafetensorsFile(path: string): Promise<SafetensorsFile> {
  const index = path.endsWith('.json') ? path : `${path}.index.json`;
  if (index === path || (!(await isFile(path)) && (await isFile(index)))) {
    return openShardedSafetensors((file) => fileSource(file === index ? index : join(dirname(index), file)), index);
  }
  return openSafetensors(await fileSource(path));
}

/** Options of {@link readSafetensors}. */
export interface ReadSafetensorsOptions {
  /** The tensors to read (default all, or those of `optional` alone); one that the file does not hold is an error. */
  names?: readonly string[];
  /** Tensors to read where the file holds them, beside `names`. */
  optional?: readonly string[];
}

/**
 * Reads the tensors of a safetensors file, or a sharded one (see {@link openSafetensorsFile}), each into new memory
 * that the caller owns. A tensor of an unsupported dtype is listed by name; `get` of that name, or iterating over the
 * values, throws.
 * @throws {@link TensorFileError} for any file that breaks the format, a tensor that it lacks, and a wrong option.
 */
export async function readSafetensors(path: string, options: ReadSafetensorsOptions = {}): Promise<DecodedSafetensors> {
  checkOptions(path, options, ['names', 'optional']);
  const file = await openSafetensorsFile(path);
  try {
    const tensors = await readEachAsync(askedNames(path, file.names, options), (name) => file.read(name));
    return { tensors, metadata: { ...file.metadata } };
  } finally {
    await file.close();
  }
}

/** Removes the files that an earlier checkpoint of the same name left in the folder, as huggingface_hub does. */
async function removeOthers(path: string, kept: ReadonlySet<string>): Promise<void> {
  if (!path.endsWith('.safetensors')) return;
  const stem = basename(path, '.safetensors');
  for (const file of await readdir(dirname(path))) {
    const rest = file.startsWith(stem) ? file.slice(stem.length) : '';
    if (/^(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?$/.test(rest) && !kept.has(file)) {
      await rm(join(dirname(path), file));
    }
  }
}

/**
 * Writes a safetensors file, whole or not at all (see {@link writeFileAtomic}), without a second copy in memory.
 * Tensors of more than `maxShardBytes` go into `model-00001-of-00003.safetensors`, … and, last,
 * `model.safetensors.index.json` is written. Each of these files is written whole or not at all, but together they are
 * not one atomic write: use {@link writeFolderAtomic} for a checkpoint. Shards of an earlier checkpoint of the same
 * name are removed once the new ones are in place.
 * @throws {@link TensorFileError} where the tensors cannot be encoded or the files cannot be written.
 */
export async function writeSafetensors(
  path: string,
  tensors: NamedTensors,
  options: WriteSafetensorsOptions = {},
): Promise<void> {
  checkOptions(path, options, ['maxShardBytes', 'metadata']);
  const { maxShardBytes = Number.POSITIVE_INFINITY, metadata } = options;
  const folder = dirname(path);
  const { shards, index } = planShards(basename(path), tensors, maxShardBytes);
  const files = [...shards].map(([file, group]) => {
    const target = join(folder, file);
    return { target, chunks: safetensorsChunks(group, { metadata, name: target }) };
  });
  for (const { target, chunks } of files) await writeFileAtomic(target, chunks);
  const indexName = `${basename(path)}.index.json`;
  if (index !== undefined) await writeFileAtomic(join(folder, indexName), index);
  const kept = new Set([...shards.keys(), ...(index === undefined ? [] : [indexName])]);
  await removeOthers(path, kept).catch((cause: unknown) => {
    throw systemError(path, 'remove the files of an earlier checkpoint', cause);
  });
}
