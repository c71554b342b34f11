import { checkSource } from './arguments';
import type { ByteSource } from './byte-source';
import { bytesPerElement } from './dtype';
import { npyTensor } from './npy';
import { type NpyHeader, npyHeaderLength, parseNpyHeader, readableNpy } from './npy-header';
import { type TensorData, tensorFromBytes } from './tensor-data';
import { TensorFileError } from './tensor-file-error';

/** What the header of an npy file, or of an array in an npz file, says. */
export interface NpyInfo {
  /** The element type: a `DType`, or numpy's name for a type that is not supported (`'<c8'`, `'|O'`). */
  readonly dtype: string;
  /** The sizes of the axes. */
  readonly shape: readonly number[];
  /** Whether `readRows` can read it. */
  readonly rows: boolean;
}

/** An open npy file. Rows of its array can be read without the others. */
export interface NpyFile extends NpyInfo {
  /** Reads the whole array; the caller owns it. */
  read(): Promise<TensorData>;
  /** Reads `count` entries of the first axis from `start`, and of the file only their bytes; the caller owns them. */
  readRows(start: number, count: number): Promise<TensorData>;
  /** Closes the source. */
  close(): Promise<void>;
}

/** Reads the header at the start of a source. */
export async function readNpyHeader(source: ByteSource): Promise<NpyHeader> {
  const prefix = await source.read(0, Math.min(12, source.size));
  const length = npyHeaderLength(source.name, prefix, source.size);
  return parseNpyHeader(source.name, await source.read(0, length), source.size);
}

/** The public part of a header. */
export function npyInfo({ dtype, descr, shape, fortranOrder }: NpyHeader): NpyInfo {
  return { dtype: dtype ?? descr, shape, rows: dtype !== undefined && !fortranOrder && shape.length > 0 };
}

/** `count` entries of the first axis from `start` of the npy file in a source. */
export async function readNpyRows(
  source: ByteSource,
  header: NpyHeader,
  { start, count }: { readonly start: number; readonly count: number },
): Promise<TensorData> {
  const { dtype, shape, bigEndian, fortranOrder, dataOffset } = readableNpy(source.name, header);
  if (fortranOrder || shape.length === 0) {
    throw new TensorFileError(source.name, 'is column-major or a scalar: it has no rows to read');
  }
  const isIndex = (value: number) => Number.isSafeInteger(value) && value >= 0;
  if (!isIndex(start) || !isIndex(count) || start + count > shape[0]) {
    throw new TensorFileError(source.name, `has ${shape[0]} rows, asked for ${count} from ${start}`);
  }
  const rowBytes = shape.slice(1).reduce((product, size) => product * size, bytesPerElement(dtype));
  const bytes = await source.read(dataOffset + start * rowBytes, count * rowBytes);
  return tensorFromBytes(dtype, [count, ...shape.slice(1)], bytes, bigEndian);
}

/**
 * Opens an npy file: reads its header only. The file owns the source from here on: `close` closes it, and so does a
 * failure to open.
 * @throws {@link TensorFileError} for a file that breaks the format. An unsupported element type throws only when the
 *   array is read.
 */
export async function openNpy(source: ByteSource): Promise<NpyFile> {
  checkSource('openNpy', source);
  const header = await readNpyHeader(source).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  return {
    ...npyInfo(header),
    async read() {
      readableNpy(source.name, header);
      return npyTensor(source.name, header, await source.read(header.dataOffset, header.byteLength));
    },
    readRows: (start, count) => readNpyRows(source, header, { start, count }),
    close: () => source.close(),
  };
}
