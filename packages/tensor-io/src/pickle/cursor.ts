/** The bytes of a pickle end before its STOP. A caller that holds only the first bytes of a file reads more of it. */
export class PickleCutOff extends Error {
  /** Always `'PickleCutOff'`. */
  override readonly name = 'PickleCutOff';
}

/** A pickle breaks its rules or asks for what is not read. The caller puts the file's name before the message. */
export class PickleRefusal extends Error {
  /** Always `'PickleRefusal'`. */
  override readonly name = 'PickleRefusal';
}

/** The longest line of a pickle of protocol 0: a number, a name, a text. */
const MAX_LINE = 65_536;
/** The longest whole number, in bytes. Longer ones take a time that grows with the square of their length. */
const MAX_INTEGER_BYTES = 256;

const utf8 = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A number where it is exact as one, else the bigint. */
export function wholeNumber(value: bigint): number | bigint {
  const near = Number(value);
  return Number.isSafeInteger(near) ? near : value;
}

/** Reads the arguments of opcodes from bytes, front to back. */
export class PickleCursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Where the next byte is read. */
  at: number;

  /** Starts at byte `at`. */
  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  /** Steps over `length` bytes and returns where they start. */
  #take(length: number): number {
    const start = this.at;
    if (length > this.#bytes.length - start) throw new PickleCutOff();
    this.at = start + length;
    return start;
  }

  /** An unsigned byte. */
  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  /** An unsigned 16-bit number, little-endian. */
  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  /** An unsigned 32-bit number, little-endian. */
  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A signed 32-bit number, little-endian. */
  int32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  /** A length of eight bytes, little-endian. */
  length64(): number {
    const length = this.#view.getBigUint64(this.#take(8), true);
    if (length > BigInt(Number.MAX_SAFE_INTEGER)) throw new PickleRefusal(`a length of ${length} bytes is impossible`);
    return Number(length);
  }

  /** A 64-bit float, big-endian as pickles have it. */
  float64(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  /** A view of `length` bytes. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** `length` bytes of UTF-8. */
  text(length: number): string {
    const bytes = this.bytes(length);
    try {
      return utf8.decode(bytes);
    } catch {
      throw new PickleRefusal(`a text at byte ${this.at - length} is not valid UTF-8`);
    }
  }

  /** A whole number of `length` bytes, little-endian, in two's complement. */
  integer(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES) {
      throw new PickleRefusal(`a whole number of ${length} bytes is longer than ${MAX_INTEGER_BYTES}`);
    }
    let value = 0n;
    const bytes = this.bytes(length);
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    return wholeNumber(BigInt.asIntN(8 * length, value));
  }

  /** The bytes up to the end of the line, each as one character; the line's end is stepped over. */
  line(): string {
    const window = this.#bytes.subarray(this.at, this.at + MAX_LINE + 1);
    const length = window.indexOf(0x0a);
    if (length < 0 && window.length <= MAX_LINE) throw new PickleCutOff();
    if (length < 0) throw new PickleRefusal(`a line at byte ${this.at} is longer than ${MAX_LINE}`);
    this.at += length + 1;
    let line = '';
    for (let i = 0; i < length; i++) line += String.fromCharCode(window[i]);
    return line;
  }
}
