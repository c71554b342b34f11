import { checkSource } from './arguments';
import type { ByteSource } from './byte-source';
import { headerLength, PREFIX_BYTES, parseHeader, readableDType, type TensorInfo } from './safetensors-header';
import { tensorFromBytes } from './tensor-data';
import type { TensorFile } from './tensor-file';
import { quoted, TensorFileError } from './tensor-file-error';

/** An open safetensors file (or several shards seen as one): tensors are read one by one, in the order of their data. */
export interface SafetensorsFile extends TensorFile {
  /** The `__metadata__` entry; empty where there is none. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Returns dtype, shape and offset of a tensor.
   *
   * @throws {@link TensorFileError} for a name that the file does not hold
   */
  info(name: string): TensorInfo;
}

async function readHeader(source: ByteSource) {
  const prefix = await source.read(0, Math.min(PREFIX_BYTES, source.size));
  const length = headerLength(source.name, prefix, source.size);
  return parseHeader(source.name, await source.read(PREFIX_BYTES, length), source.size);
}

/**
 * Opens a safetensors file: reads its header and checks it against the size of the source. The file owns the source from
 * here on: `close` closes it, and so does a failure to open.
 * @throws {@link TensorFileError} for any header that breaks the format.
 */
export async function openSafetensors(source: ByteSource): Promise<SafetensorsFile> {
  checkSource('openSafetensors', source);
  const { infos, metadata } = await readHeader(source).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  const info = (name: string): TensorInfo => {
    const found = infos.get(name);
    if (!found) throw new TensorFileError(source.name, `holds no tensor ${quoted(name)}`);
    return found;
  };
  return {
    names: [...infos.keys()],
    metadata,
    info,
    async read(name) {
      const found = info(name);
      const { shape, byteOffset, byteLength } = found;
      return tensorFromBytes(readableDType(source.name, name, found), shape, await source.read(byteOffset, byteLength));
    },
    close: () => source.close(),
  };
}
