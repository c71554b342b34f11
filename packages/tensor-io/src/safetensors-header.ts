import { arrayOf, bitsPerElement, type DType, isDType } from './dtype';
import { duplicateKey } from './json-keys';
import { countElements } from './tensor-data';
import type { TensorSummary } from './tensor-file';
import { quoted, shown, TensorFileError } from './tensor-file-error';

/** Bytes before the header: its length, a little-endian 64-bit integer. */
export const PREFIX_BYTES = 8;
/** The longest header that the reference implementation accepts. */
const MAX_HEADER_BYTES = 100_000_000;

/** What a header says about one tensor. */
export interface TensorInfo extends TensorSummary {
  /** Where the data starts, in bytes from the start of the file. */
  readonly byteOffset: number;
  /** Bytes of data. */
  readonly byteLength: number;
}

/** A checked header: tensors in the order of their data. */
export interface SafetensorsHeader {
  /** The tensors by name, by rising offset. */
  readonly infos: ReadonlyMap<string, TensorInfo>;
  /** The `__metadata__` entry, empty where there is none. */
  readonly metadata: Record<string, string>;
}

type JsonObject = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Other formats that are mistaken for safetensors, by their first bytes. */
const OTHER_FORMATS: readonly (readonly [start: string, format: string])[] = [
  ['PK', 'a zip archive, as .npz and the .pt, .pth and .bin of torch are'],
  ['\x80', 'a pickle, as the .pt, .pth and .bin of older versions of torch are'],
  ['\x93NUMPY', 'an npy file'],
  ['GGUF', 'a GGUF file'],
  ['\x89HDF', 'an HDF5 file'],
  ['<', 'HTML or XML, as a server sends with an error'],
  ['version ', 'a pointer of Git LFS: fetch the file itself'],
  ['{', 'JSON, as the index of several files is'],
];

/** A message that a file is no safetensors file, and what it looks like instead. */
function otherFormat(prefix: Uint8Array): string {
  const start = String.fromCharCode(...prefix.subarray(0, PREFIX_BYTES));
  const found = OTHER_FORMATS.find(([letters]) => start.startsWith(letters));
  return `does not look like safetensors${found ? ` (it begins as ${found[1]})` : ''}`;
}

/** Reads the header's length from the first eight bytes, and checks it against the limit and the size of the file. */
export function headerLength(file: string, prefix: Uint8Array, fileSize: number): number {
  if (fileSize < PREFIX_BYTES || prefix.length < PREFIX_BYTES) {
    throw new TensorFileError(file, `expected a safetensors file of at least 8 bytes, got ${fileSize}`);
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new TensorFileError(
      file,
      `${otherFormat(prefix)}: its first 8 bytes declare a header of ${length} bytes, longer than ${MAX_HEADER_BYTES}`,
    );
  }
  if (Number(length) > fileSize - PREFIX_BYTES) {
    throw new TensorFileError(
      file,
      `header of ${length} bytes does not fit the file of ${fileSize} bytes: it is cut off, or ${otherFormat(prefix)}`,
    );
  }
  return Number(length);
}

function parseJson(file: string, bytes: Uint8Array): { json: JsonObject; text: string } {
  if (bytes[0] !== 0x7b)
    throw new TensorFileError(file, 'does not look like safetensors: header does not begin with {');
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    json = JSON.parse(text);
  } catch (cause) {
    throw new TensorFileError(file, 'header is not valid JSON in UTF-8', { cause });
  }
  if (!isObject(json)) throw new TensorFileError(file, 'header is not a JSON object');
  return { json, text };
}

function parseMetadata(file: string, value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new TensorFileError(file, '__metadata__ is not an object');
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => {
      if (typeof entry === 'string') return [key, entry];
      throw new TensorFileError(file, `__metadata__ ${quoted(key)}: expected a string, got ${shown(entry)}`);
    }),
  );
}

function parseInfo(file: string, name: string, entry: unknown, dataStart: number): TensorInfo {
  const fail = (problem: string): never => {
    throw new TensorFileError(file, `tensor ${quoted(name)}: ${problem}`);
  };
  if (!isObject(entry)) return fail(`expected an object, got ${shown(entry)}`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string') return fail(`expected a dtype, got ${shown(dtype)}`);
  if (!Array.isArray(shape)) return fail(`expected a shape, got ${shown(shape)}`);
  const count = countElements(shape, Number.MAX_SAFE_INTEGER / 8);
  if (count === undefined) return fail(`shape ${shown(shape)} is invalid or too large`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || countElements([offsets[0]]) === undefined) {
    return fail(`expected two data_offsets, got ${shown(offsets)}`);
  }
  const [start, end] = offsets as [number, unknown];
  const bits = bitsPerElement(dtype);
  // The size of an element of an unknown dtype is unknown: only the offsets tell how many bytes there are.
  const byteLength = bits === undefined ? Number(end) - start : (count * bits) / 8;
  if (countElements([end]) === undefined || countElements([byteLength]) === undefined || end !== start + byteLength) {
    const takes = bits === undefined ? 'expected two data_offsets' : `takes ${byteLength} bytes`;
    return fail(`${quoted(dtype).slice(1, -1)} ${shown(shape)} ${takes}, got data_offsets ${shown(offsets)}`);
  }
  return { dtype, shape: shape as number[], byteOffset: dataStart + start, byteLength };
}

/**
 * Returns the dtype of a tensor that is to be read.
 *
 * @throws {@link TensorFileError} for an unsupported one
 */
export function readableDType(file: string, name: string, { dtype, shape }: TensorInfo): DType {
  if (isDType(dtype)) return dtype;
  const known = Object.keys(arrayOf).join(', ');
  throw new TensorFileError(file, `tensor ${quoted(name)}: cannot read dtype ${shown(dtype)}, only ${known}`, {
    unreadable: true,
    tensor: { dtype, shape },
  });
}

/**
 * Parses the JSON header (without the eight bytes before it) of a file of `fileSize` bytes. It is checked as by the
 * reference implementation: sizes must follow from shapes, and the data must cover the rest of the file without holes
 * or overlaps. In addition, a key that occurs twice is an error. An unsupported dtype throws only when its tensor is
 * read.
 */
export function parseHeader(file: string, bytes: Uint8Array, fileSize: number): SafetensorsHeader {
  const { json, text } = parseJson(file, bytes);
  const dataStart = PREFIX_BYTES + bytes.length;
  const metadata = parseMetadata(file, Object.hasOwn(json, '__metadata__') ? json.__metadata__ : undefined);
  const entries: [string, TensorInfo][] = [];
  for (const [name, entry] of Object.entries(json)) {
    if (name !== '__metadata__') entries.push([name, parseInfo(file, name, entry, dataStart)]);
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw new TensorFileError(file, `header holds a key twice: ${quoted(twice)}`);
  entries.sort(([, a], [, b]) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength);
  let covered = dataStart;
  for (const [name, { byteOffset, byteLength }] of entries) {
    if (byteOffset !== covered) {
      const problem = byteOffset < covered ? 'overlaps the tensor before it' : 'leaves a hole before it';
      throw new TensorFileError(file, `tensor ${quoted(name)}: its data ${problem}`);
    }
    covered += byteLength;
  }
  if (covered !== fileSize) {
    const cut = fileSize < covered ? ': it is cut off, perhaps by a transfer that ended too early' : '';
    throw new TensorFileError(file, `header describes a file of ${covered} bytes, got ${fileSize}${cut}`);
  }
  return { infos: new Map(entries), metadata };
}
