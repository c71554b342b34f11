import { checkOptions, checkTensors } from './arguments';
import { concatBytes } from './concat-bytes';
import { bytesPerElement, type DType } from './dtype';
import { checkTensor, type NamedTensors, tensorBytes } from './tensor-data';
import { quoted, TensorFileError } from './tensor-file-error';

/** Options of the safetensors writers. */
export interface SafetensorsOptions {
  /** Strings for the file's `__metadata__` entry, in this order. Without any there is no such entry. */
  metadata?: Readonly<Record<string, string>>;
}

/** The order of data in a file: dtypes by descending alignment, as the reference implementation orders them. */
const RANK: readonly DType[] = [
  'U64',
  'I64',
  'F64',
  'F32',
  'U32',
  'I32',
  'BF16',
  'F16',
  'U16',
  'I16',
  'I8',
  'U8',
  'BOOL',
];

/**
 * Compares strings by code points, which is the order of their UTF-8 bytes. JavaScript itself compares UTF-16 units.
 */
export function compareCodePoints(a: string, b: string): number {
  const left = a[Symbol.iterator]();
  const right = b[Symbol.iterator]();
  for (;;) {
    const x = left.next();
    const y = right.next();
    if (x.done || y.done) return Number(y.done ?? false) - Number(x.done ?? false);
    if (x.value !== y.value) return x.value.codePointAt(0)! - y.value.codePointAt(0)!;
  }
}

function checkString(file: string, what: string, text: unknown): void {
  if (typeof text !== 'string') throw new TensorFileError(file, `${what}: expected a string, got ${typeof text}`);
  if (/\p{Surrogate}/u.test(text))
    throw new TensorFileError(file, `${what} ${quoted(text)} is not well-formed Unicode`);
}

/** A tensor that is to be written, of which the header says dtype and shape. */
export interface HeaderEntry {
  /** The element type. */
  readonly dtype: DType;
  /** The sizes of the axes. */
  readonly shape: readonly number[];
}

/** Bytes of a tensor's data. */
function dataBytes({ dtype, shape }: HeaderEntry): number {
  return shape.reduce((product, size) => product * size, bytesPerElement(dtype));
}

/** The order in which tensors stand in a file; checks their names. */
export function orderedTensors<T extends HeaderEntry>(file: string, tensors: Iterable<[string, T]>): [string, T][] {
  const entries = [...tensors];
  for (const [name] of entries) {
    checkString(file, 'tensor name', name);
    if (name === '__metadata__') throw new TensorFileError(file, 'a tensor cannot be named "__metadata__"');
  }
  return entries.sort(
    ([a, { dtype: d }], [b, { dtype: e }]) => RANK.indexOf(d) - RANK.indexOf(e) || compareCodePoints(a, b),
  );
}

/** The header of a file of tensors in the order of {@link orderedTensors}, with the eight bytes before it. */
export function encodeHeader(
  file: string,
  entries: readonly (readonly [string, HeaderEntry])[],
  options: SafetensorsOptions,
): Uint8Array {
  // Written by hand because JSON.stringify would put names such as "10" before all others.
  const fields: string[] = [];
  const metadata = Object.entries(options.metadata ?? {});
  if (metadata.length > 0) {
    const pairs = metadata.map(([key, value]) => {
      checkString(file, 'metadata key', key);
      checkString(file, `metadata ${quoted(key)}`, value);
      return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
    });
    fields.push(`"__metadata__":{${pairs.join(',')}}`);
  }
  let offset = 0;
  for (const [name, entry] of entries) {
    const { dtype, shape } = entry;
    const end = offset + dataBytes(entry);
    fields.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${offset},${end}]}`,
    );
    offset = end;
  }
  const json = new TextEncoder().encode(`{${fields.join(',')}}`);
  const length = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return header;
}

/**
 * Yields a safetensors file in pieces, without copying the data: the header first, then a view of each tensor. It is
 * for writers that stream. See {@link encodeSafetensors} for the layout and the errors, which are thrown before the
 * first piece.
 */
export function safetensorsChunks(
  tensors: NamedTensors,
  options: SafetensorsOptions & { name?: string } = {},
): Uint8Array[] {
  const file = options?.name ?? 'safetensors';
  checkOptions(file, options, ['metadata', 'name']);
  checkTensors(file, tensors);
  for (const [name, tensor] of tensors) {
    checkString(file, 'tensor name', name);
    checkTensor(file, name, tensor);
  }
  const entries = orderedTensors(file, tensors);
  return [encodeHeader(file, entries, options), ...entries.map(([, tensor]) => tensorBytes(tensor))];
}

/**
 * Encodes tensors as a safetensors file, byte for byte what the reference implementation writes. Tensors are ordered by
 * descending alignment of their dtype, then by the code points of their names. The header is padded with spaces to a
 * multiple of 8 bytes. The reference implementation writes metadata entries in no fixed order; here they keep theirs.
 * The caller owns the new array.
 * @throws {@link TensorFileError} where a tensor's data does not fit its dtype and shape, or a name cannot be written.
 */
export function encodeSafetensors(tensors: NamedTensors, options: SafetensorsOptions = {}): Uint8Array {
  return concatBytes(safetensorsChunks(tensors, options));
}
