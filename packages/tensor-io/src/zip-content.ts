import { inflateSync } from 'fflate';
import { allocate } from './byte-source';
import { crc32 } from './crc32';
import { quoted, TensorFileError } from './tensor-file-error';
import { checkReadable, type ZipEntry } from './zip-directory';

function inflate(file: string, { name, size }: ZipEntry, bytes: Uint8Array): Uint8Array {
  // fflate silently drops what does not fit into `out`. One byte more than declared shows that there was more.
  const out = allocate(file, size + 1);
  try {
    // It also accepts an empty input as a complete stream.
    if (bytes.length === 0) throw new Error('no data');
    return inflateSync(bytes, { out });
  } catch (cause) {
    throw new TensorFileError(file, `zip entry ${quoted(name)}: the deflated data is damaged`, { cause });
  }
}

/**
 * Returns the content of an entry from its bytes in the archive, checked against the declared size and CRC. For a
 * stored entry it is a view of `bytes`.
 */
export function zipContent(file: string, entry: ZipEntry, bytes: Uint8Array): Uint8Array {
  checkReadable(file, entry);
  const content = entry.method === 0 ? bytes : inflate(file, entry, bytes);
  if (content.length !== entry.size) {
    const got = content.length > entry.size ? 'more' : String(content.length);
    throw new TensorFileError(file, `zip entry ${quoted(entry.name)}: declared ${entry.size} bytes, got ${got}`);
  }
  if (crc32(content) !== entry.crc) throw new TensorFileError(file, `zip entry ${quoted(entry.name)}: wrong checksum`);
  return content;
}
