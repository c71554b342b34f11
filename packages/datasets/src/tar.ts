import type { ByteSource } from '@learngene/tensor-io';
import { DatasetFileError } from './errors';

/** A file in a tar archive. */
export interface TarEntry {
  /** Its path in the archive, as it stands there. It is a name only: nothing is ever written to it. */
  readonly name: string;
  /** Where its content begins. */
  readonly offset: number;
  /** Bytes of its content. */
  readonly size: number;
}

const BLOCK = 512;
/** More than any system allows for a path; what a header says of long names is not believed beyond. */
const LONGEST_NAME = 2 ** 16;
/** Entries that hold what the next one is called, and kinds that hold no image. */
const PAX = 'x';
const GNU_NAME = 'L';
const FOLDER = '5';
const FILE = '0';

/**
 * Lists the files of a tar archive (ustar, pax and GNU names) by its headers, in order; contents are not read. Folders are
 * passed over.
 *
 * @param source - the archive
 * @throws DatasetFileError for a damaged header, a link or device, a content that lies beyond the archive, and an archive that
 *   ends without its end mark
 */
export async function* tarEntries(source: ByteSource): AsyncGenerator<TarEntry, void, void> {
  let at = 0;
  let long: LongNames = {};
  while (at + BLOCK <= source.size) {
    const header = await source.read(at, BLOCK);
    if (header.every((byte) => byte === 0)) return;
    const { name, size: declared, type } = parseHeader(header, { file: source.name, at });
    const isAbout = type === PAX || type === GNU_NAME;
    const size = isAbout ? declared : (long.size ?? declared);
    const offset = at + BLOCK;
    const fail = (problem: string): never => {
      throw new DatasetFileError(source.name, `entry ${JSON.stringify(name.slice(0, 100))} at byte ${at}: ${problem}`);
    };
    if (offset + size > source.size) fail(`expected ${size} bytes, but only ${source.size - offset} follow`);
    if (isAbout) {
      if (size > LONGEST_NAME) fail(`expected a name of at most ${LONGEST_NAME} bytes, got ${size}`);
      const content = await source.read(offset, size);
      long = { ...long, ...(type === PAX ? paxFields(content, fail) : { name: textOf(content) }) };
    } else if (type === FILE) {
      yield { name: long.name ?? name, offset, size };
      long = {};
    } else if (type === FOLDER || type === 'g') {
      long = {};
    } else fail(`expected a file, got an entry of type ${JSON.stringify(type)}`);
    at = offset + Math.ceil(size / BLOCK) * BLOCK;
  }
  throw new DatasetFileError(source.name, 'expected a tar archive with its end mark; it is cut off or of another kind');
}

/** What the entries before say of the next one. */
interface LongNames {
  readonly name?: string;
  readonly size?: number;
}

function parseHeader(header: Uint8Array, { file, at }: { file: string; at: number }) {
  const fail = (problem: string): never => {
    throw new DatasetFileError(file, `header at byte ${at}: ${problem}`);
  };
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  const said = octal(header.subarray(148, 156));
  if (said !== sum) fail(`expected a tar header with the checksum ${sum}, got ${said ?? 'none'}`);
  const size = octal(header.subarray(124, 136)) ?? fail('expected a size in octal digits');
  const magic = textOf(header.subarray(257, 262));
  const prefix = magic === 'ustar' && header[262] === 0 ? textOf(header.subarray(345, 500)) : '';
  const name = textOf(header.subarray(0, 100));
  const type = header[156] === 0 ? FILE : String.fromCharCode(header[156]);
  return { name: prefix === '' ? name : `${prefix}/${name}`, size, type };
}

/** An octal number that ends at a NUL or a space; undefined where it is none. */
function octal(field: Uint8Array): number | undefined {
  const text = textOf(field).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

/** Text up to the first NUL. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** The path and the size of a pax header: records of `length key=value`, each ending in a line feed. */
function paxFields(content: Uint8Array, fail: (problem: string) => never): LongNames {
  const fields: { name?: string; size?: number } = {};
  for (let at = 0; at < content.length; ) {
    const head = /^(\d{1,6}) /.exec(new TextDecoder().decode(content.subarray(at, at + 7)));
    const end = head === null ? 0 : at + Number(head[1]);
    if (head === null || end <= at + head[0].length || end > content.length || content[end - 1] !== 10) {
      return fail('expected records of length, key and value');
    }
    const [key, ...rest] = new TextDecoder().decode(content.subarray(at + head[0].length, end - 1)).split('=');
    const value = rest.join('=');
    if (key === 'path') fields.name = value;
    if (key === 'size') {
      fields.size = /^\d{1,15}$/.test(value)
        ? Number(value)
        : fail(`expected a size, got ${JSON.stringify(value.slice(0, 20))}`);
    }
    if (key.startsWith('GNU.sparse')) fail('expected a whole file, got a sparse one');
    at = end;
  }
  return fields;
}
