import { checkBytes, checkOptions } from './arguments';
import { readEach } from './read-each';
import { headerLength, PREFIX_BYTES, parseHeader, readableDType } from './safetensors-header';
import { type TensorData, tensorFromBytes } from './tensor-data';

/** What a safetensors file holds. */
export interface DecodedSafetensors {
  /**
   * The tensors by name, in the order of their data. A tensor of an unsupported dtype (F8_E4M3) is listed by name;
   * `get` of that name, iterating over the values and `structuredClone` of the Map throw {@link TensorFileError}.
   */
  tensors: Map<string, TensorData>;
  /** The `__metadata__` entry; empty where the file has none. */
  metadata: Record<string, string>;
}

/**
 * Decodes a whole safetensors file. The data of a tensor is a view of `bytes` where it lies aligned (it does in the
 * files of the usual writers), else a copy. Do not change `bytes` while the tensors are in use.
 * @param options.name what the file is called in errors (default `'safetensors'`).
 * @throws {@link TensorFileError} for any file that breaks the format.
 */
export function decodeSafetensors(bytes: Uint8Array, options: { name?: string } = {}): DecodedSafetensors {
  const file = options?.name ?? 'safetensors';
  checkOptions(file, options, ['name']);
  checkBytes(file, bytes);
  const length = headerLength(file, bytes.subarray(0, PREFIX_BYTES), bytes.length);
  const { infos, metadata } = parseHeader(file, bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + length), bytes.length);
  const tensors = readEach(infos.keys(), (name): TensorData => {
    const info = infos.get(name)!;
    const { shape, byteOffset, byteLength } = info;
    const data = bytes.subarray(byteOffset, byteOffset + byteLength);
    return tensorFromBytes(readableDType(file, name, info), shape, data);
  });
  return { tensors, metadata };
}
