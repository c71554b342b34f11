import { Inflate } from 'fflate';
import { allocate, type ByteSource, checkRange } from './byte-source';
import { crc32 } from './crc32';
import { quoted, TensorFileError } from './tensor-file-error';
import type { ZipEntry } from './zip-directory';

/**
 * How many bytes are read from the archive at a time, and how many are inflated at a time. At most 1032 times as many
 * come out.
 */
const READ_BYTES = 2 ** 20;
const PUSH_BYTES = 2 ** 15;

/** Inflates an entry from front to back, and keeps what was not read yet. */
class Walk {
  readonly #fail: (problem: string, cause?: unknown) => never;
  readonly #inflate: Inflate;
  /** Inflated pieces that may still be read, and where the first of them starts. */
  readonly #pieces: Uint8Array[] = [];
  #start = 0;
  #end = 0;
  #crc = 0;
  /** Deflated bytes that were read but not inflated yet, and the offset of the next ones. */
  #waiting = new Uint8Array(0);
  #next = 0;

  constructor(
    private readonly archive: ByteSource,
    private readonly entry: ZipEntry,
    private readonly dataOffset: number,
  ) {
    this.#fail = (problem, cause) => {
      const options = cause === undefined ? undefined : { cause };
      throw new TensorFileError(archive.name, `zip entry ${quoted(entry.name)}: ${problem}`, options);
    };
    this.#inflate = new Inflate((piece) => {
      this.#pieces.push(piece);
      this.#end += piece.length;
      this.#crc = crc32(piece, this.#crc);
    });
  }

  /** The offset of the first byte that can still be read. */
  get start(): number {
    return this.#start;
  }

  /** Bytes from `offset`, which must not lie before {@link start}. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    this.#forget(offset);
    while (this.#end < offset + length) {
      await this.#step();
      this.#forget(offset);
    }
    const result = allocate(this.archive.name, length);
    let at = this.#start;
    for (const piece of this.#pieces) {
      const from = Math.max(0, offset - at);
      const part = piece.subarray(from, Math.max(from, Math.min(piece.length, offset + length - at)));
      if (part.length > 0) result.set(part, at + from - offset);
      at += piece.length;
    }
    return result;
  }

  /** Drops the pieces that end at or before `offset`. */
  #forget(offset: number): void {
    while (this.#pieces.length > 0 && this.#start + this.#pieces[0].length <= offset) {
      this.#start += this.#pieces[0].length;
      this.#pieces.shift();
    }
  }

  async #step(): Promise<void> {
    const { compressedSize, size, crc } = this.entry;
    if (this.#waiting.length === 0) {
      const length = Math.min(READ_BYTES, compressedSize - this.#next);
      if (length === 0) return this.#fail(`declared ${size} bytes, got ${this.#end}`);
      this.#waiting = new Uint8Array(await this.archive.read(this.dataOffset + this.#next, length));
      this.#next += length;
    }
    const pushed = this.#waiting.subarray(0, PUSH_BYTES);
    this.#waiting = this.#waiting.subarray(PUSH_BYTES);
    const isLast = this.#waiting.length === 0 && this.#next === compressedSize;
    try {
      this.#inflate.push(pushed, isLast);
    } catch (cause) {
      this.#fail('the deflated data is damaged', cause);
    }
    if (this.#end > size) this.#fail(`declared ${size} bytes, got more`);
    if (!isLast) return;
    if (this.#end !== size) this.#fail(`declared ${size} bytes, got ${this.#end}`);
    if (this.#crc !== crc) this.#fail('wrong checksum');
  }
}

/**
 * Opens the content of a deflated entry as a source that holds only a piece of it in memory. Reading forwards continues
 * to inflate; the checksum is compared at the end. Reading backwards starts again at the entry's first byte. Closing
 * the source leaves the archive open.
 */
export function inflatedSource(archive: ByteSource, entry: ZipEntry, dataOffset: number): ByteSource {
  const name = `${archive.name}: ${entry.name}`;
  let walk = new Walk(archive, entry, dataOffset);
  let last: Promise<unknown> = Promise.resolve();
  const readNow = async (offset: number, length: number): Promise<Uint8Array> => {
    if (offset < walk.start) walk = new Walk(archive, entry, dataOffset);
    try {
      return await walk.read(offset, length);
    } catch (error) {
      walk = new Walk(archive, entry, dataOffset); // this one stopped in the middle
      throw error;
    }
  };
  return {
    name,
    size: entry.size,
    async read(offset, length) {
      checkRange(name, entry.size, offset, length);
      const result = last.then(() => readNow(offset, length)); // one after the other, whoever asks
      last = result.catch(() => {});
      return result;
    },
    async close() {},
  };
}

/** Opens the content of a stored entry: a window of the archive. Closing it leaves the archive open. */
export function storedSource(archive: ByteSource, entry: ZipEntry, dataOffset: number): ByteSource {
  const name = `${archive.name}: ${entry.name}`;
  return {
    name,
    size: entry.size,
    async read(offset, length) {
      checkRange(name, entry.size, offset, length);
      return archive.read(dataOffset + offset, length);
    },
    async close() {},
  };
}
