import { bytesPerElement, type DType } from './dtype';
import { type PythonLiteral, parsePythonLiteral } from './python-literal';
import { countElements } from './tensor-data';
import { shown, TensorFileError } from './tensor-file-error';

/** The most bytes that a header of ours may have; a plain array needs 128. */
const MAX_HEADER_BYTES = 65_536;

/** numpy's letters for our dtypes; it has none for bfloat16. */
const CODES: { readonly [D in DType]: string | undefined } = {
  F64: '<f8',
  F32: '<f4',
  F16: '<f2',
  BF16: undefined,
  I64: '<i8',
  I32: '<i4',
  I16: '<i2',
  I8: '|i1',
  U64: '<u8',
  U32: '<u4',
  U16: '<u2',
  U8: '|u1',
  BOOL: '|b1',
};

/** What an npy header says. */
export interface NpyHeader {
  /** The element type; undefined for an unsupported one (complex numbers, strings, dates, records, Python objects). */
  readonly dtype: DType | undefined;
  /** The element type in numpy's letters, `'<f4'` or `'<c8'`; for records a shortened text for messages. */
  readonly descr: string;
  /** Whether the file stores the high byte first. */
  readonly bigEndian: boolean;
  /** Whether the first axis, not the last, runs fastest. */
  readonly fortranOrder: boolean;
  /** The sizes of the axes. */
  readonly shape: readonly number[];
  /** Where the data starts, in bytes from the start of the file. */
  readonly dataOffset: number;
  /** Bytes of data. */
  readonly byteLength: number;
}

/** The types of records' fields as numpy writes them, cut after 120 characters. */
function recordText(descr: PythonLiteral | undefined): string {
  const text = (value: PythonLiteral | undefined, depth: number): string => {
    if (typeof value === 'string') return `'${value}'`;
    if (!Array.isArray(value)) return String(value);
    const items = value.map((item: PythonLiteral) => text(item, depth + 1)).join(', ');
    return depth === 0 ? `[${items}]` : `(${items}${value.length === 1 ? ',' : ''})`;
  };
  const whole = text(descr, 0);
  return whole.length > 120 ? `${whole.slice(0, 120)}…` : whole;
}

function parseDescr(descr: PythonLiteral | undefined): Pick<NpyHeader, 'dtype' | 'descr' | 'bigEndian'> {
  if (typeof descr !== 'string') return { dtype: undefined, descr: recordText(descr), bigEndian: false };
  const letters = descr.replace(/^[<>=|]/, '');
  const found = Object.entries(CODES).find(([, code]) => code?.slice(1) === letters);
  return { dtype: found?.[0] as DType | undefined, descr, bigEndian: descr.startsWith('>') };
}

/** An {@link NpyHeader} of an array that can be read. */
export type ReadableNpyHeader = NpyHeader & { readonly dtype: DType };

/**
 * Returns the header of an array that is to be read.
 *
 * @throws {@link TensorFileError} for an unsupported element type
 */
export function readableNpy(file: string, header: NpyHeader): ReadableNpyHeader {
  const { dtype, descr, shape } = header;
  if (dtype !== undefined) return { ...header, dtype };
  const problem = /^[<>=|]?O/.test(descr)
    ? `holds Python objects (pickle, descr ${shown(descr)}), which are not read`
    : `unsupported descr ${shown(descr)}: expected a bool, int or float type`;
  throw new TensorFileError(file, problem, { unreadable: true, tensor: { dtype: descr, shape } });
}

/** Finds where the header's text lies, from the first 12 bytes (fewer if the file is shorter). Versions 1, 2 and 3. */
function textRange(file: string, prefix: Uint8Array, fileSize: number): { start: number; end: number; utf8: boolean } {
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (magic.some((byte, i) => prefix[i] !== byte)) throw new TensorFileError(file, 'is not an npy file');
  const major = prefix[6];
  if (prefix.length < 12 || major < 1 || major > 3 || prefix[7] !== 0) {
    throw new TensorFileError(file, `expected npy version 1.0, 2.0 or 3.0, got ${major}.${prefix[7]}`);
  }
  const view = new DataView(prefix.buffer, prefix.byteOffset);
  const start = major === 1 ? 10 : 12;
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER_BYTES || start + length > fileSize) {
    throw new TensorFileError(
      file,
      `npy header of ${length} bytes does not fit (file ${fileSize}, limit ${MAX_HEADER_BYTES})`,
    );
  }
  return { start, end: start + length, utf8: major === 3 };
}

/** Returns how many bytes from the start hold the whole header. `prefix` is the first 12 bytes. */
export function npyHeaderLength(file: string, prefix: Uint8Array, fileSize: number): number {
  return textRange(file, prefix, fileSize).end;
}

/** Reads the header at the start of `bytes` and checks that it describes a file of exactly `fileSize` bytes. */
export function parseNpyHeader(file: string, bytes: Uint8Array, fileSize: number): NpyHeader {
  const { start, end, utf8 } = textRange(file, bytes.subarray(0, 12), fileSize);
  let text: string;
  try {
    text = new TextDecoder(utf8 ? 'utf-8' : 'latin1', { fatal: true }).decode(bytes.subarray(start, end));
  } catch (cause) {
    throw new TensorFileError(file, 'npy header is not valid UTF-8', { cause });
  }
  const header = parsePythonLiteral(file, text);
  if (!(header instanceof Map) || header.size !== 3) {
    throw new TensorFileError(file, 'npy header is not a dict of descr, fortran_order and shape');
  }
  if (!header.has('descr')) throw new TensorFileError(file, 'expected a descr in the npy header, got none');
  const { dtype, descr, bigEndian } = parseDescr(header.get('descr'));
  const fortranOrder = header.get('fortran_order');
  if (typeof fortranOrder !== 'boolean') {
    throw new TensorFileError(file, `fortran_order: expected True or False, got ${shown(fortranOrder)}`);
  }
  const shape = header.get('shape');
  const count = Array.isArray(shape) ? countElements(shape, Number.MAX_SAFE_INTEGER / 8) : undefined;
  if (count === undefined) throw new TensorFileError(file, `npy shape ${shown(shape)} is invalid or too large`);
  const byteLength = dtype === undefined ? fileSize - end : count * bytesPerElement(dtype);
  if (end + byteLength !== fileSize) {
    throw new TensorFileError(file, `${dtype} ${shown(shape)} makes ${end + byteLength} bytes, got ${fileSize}`);
  }
  return { dtype, descr, bigEndian, fortranOrder, shape: shape as number[], dataOffset: end, byteLength };
}

/** The bytes before the data, byte for byte as numpy writes them: version 1.0, room for the first axis to grow, 64-byte aligned. */
export function encodeNpyHeader(file: string, dtype: DType, shape: readonly number[]): Uint8Array {
  const code = CODES[dtype];
  if (code === undefined) throw new TensorFileError(file, `npy has no ${dtype}: convert it to F32`);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const growth = shape.length === 0 ? 0 : Math.max(0, 21 - String(shape[0]).length);
  const dict = `{'descr': '${code}', 'fortran_order': False, 'shape': ${tuple}, }${' '.repeat(growth)}`;
  const padding = 64 - ((10 + dict.length + 1) % 64);
  const length = dict.length + padding + 1;
  if (length > MAX_HEADER_BYTES - 1)
    throw new TensorFileError(file, `a shape of ${shape.length} axes is too long for npy`);
  const header = new TextEncoder().encode(`\0NUMPY\x01\0\0\0${dict}${' '.repeat(padding)}\n`);
  header[0] = 0x93;
  new DataView(header.buffer).setUint16(8, length, true);
  return header;
}
