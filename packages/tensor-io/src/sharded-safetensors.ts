import type { ByteSource } from './byte-source';
import { duplicateKey } from './json-keys';
import { openSafetensors, type SafetensorsFile } from './safetensors-file';
import { quoted, shown, TensorFileError } from './tensor-file-error';

const MAX_INDEX_BYTES = 100_000_000;

/** Whether a shard's name stays within the folder of its index: no absolute path, no `..`, no scheme, no backslash. */
function isSafeFileName(file: unknown): file is string {
  return (
    typeof file === 'string' &&
    !/[\\:\p{Cc}?#]/u.test(file) &&
    file.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

function parseWeightMap(file: string, bytes: Uint8Array): Map<string, string> {
  let text: string;
  let json: { readonly metadata?: unknown; readonly weight_map?: unknown } | null;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    json = JSON.parse(text);
  } catch (cause) {
    throw new TensorFileError(file, 'the index is not valid JSON in UTF-8', { cause });
  }
  const map = json?.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw new TensorFileError(file, `expected an index with a weight_map, got ${shown(map)}`);
  }
  const entries = Object.entries(map);
  for (const [name, shard] of entries) {
    if (!isSafeFileName(shard)) {
      throw new TensorFileError(
        file,
        `weight_map ${quoted(name)}: expected a file name beside it, got ${shown(shard)}`,
      );
    }
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw new TensorFileError(file, `holds a key twice: ${quoted(twice)}`);
  return new Map(entries as [string, string][]);
}

async function readIndex(source: ByteSource): Promise<Map<string, string>> {
  try {
    if (source.size > MAX_INDEX_BYTES) {
      throw new TensorFileError(source.name, `an index of ${source.size} bytes is longer than ${MAX_INDEX_BYTES}`);
    }
    return parseWeightMap(source.name, await source.read(0, source.size));
  } finally {
    await source.close();
  }
}

/** Opens a checkpoint of several files: its index, and the header of every shard. Tensors are read one by one. */
export async function openShardedSafetensors(
  open: (file: string) => Promise<ByteSource>,
  indexFile = 'model.safetensors.index.json',
): Promise<SafetensorsFile> {
  const weightMap = await readIndex(await open(indexFile));
  const shards = new Map<string, SafetensorsFile>();
  const close = async () => {
    await Promise.all([...shards.values()].map((shard) => shard.close()));
  };
  const held = new Map<string, Set<string>>();
  try {
    for (const file of new Set(weightMap.values())) {
      const shard = await openSafetensors(await open(file));
      shards.set(file, shard);
      held.set(file, new Set(shard.names));
    }
    for (const [name, file] of weightMap) {
      if (!held.get(file)?.has(name)) throw new TensorFileError(indexFile, `${quoted(name)} is not in ${quoted(file)}`);
    }
  } catch (error) {
    await close();
    throw error;
  }
  const shardOf = (name: string): SafetensorsFile => {
    const shard = shards.get(weightMap.get(name) ?? '');
    if (!shard) throw new TensorFileError(indexFile, `holds no tensor ${quoted(name)}`);
    return shard;
  };
  return {
    names: [...weightMap.keys()],
    metadata: Object.fromEntries([...shards.values()].flatMap((shard) => Object.entries(shard.metadata))),
    info: (name) => shardOf(name).info(name),
    read: async (name) => shardOf(name).read(name),
    close,
  };
}
