import { checkOptions } from '../arguments';
import { type DType, isDType } from '../dtype';
import { fromFloat32, toFloat32 } from '../float32';
import { encodeHeader, type HeaderEntry, orderedTensors } from '../safetensors-encode';
import { type TensorData, tensorBytes } from '../tensor-data';
import { type TensorFile, tensorsUnder } from '../tensor-file';
import { quoted, shown, TensorFileError } from '../tensor-file-error';
import type { TorchFile } from '../torch/torch-file';
import { writeFileAtomic } from './atomic-file';
import { openTensorFile } from './tensor-files';

/** Dtypes that floats can be converted to. */
const FLOATS = ['F64', 'F32', 'F16', 'BF16'] as const;
type FloatDType = (typeof FLOATS)[number];

const isFloat = (dtype: string): dtype is FloatDType => (FLOATS as readonly string[]).includes(dtype);

/** Options of {@link convertTensors}. */
export interface ConvertTensorsOptions {
  /** Converts only what lies under this key, without it in the names: `ema` of a checkpoint (default: all). */
  key?: string;
  /** Makes floats of this dtype of all floats, rounded to nearest, ties to even (default: they stay as they are). */
  dtype?: 'F32' | 'F16' | 'BF16';
}

/** What {@link convertTensors} did. */
export interface ConvertedTensors {
  /** How many tensors were written. */
  readonly tensors: number;
  /** Their bytes. */
  readonly bytes: number;
  /** The names, in the new file, of tensors that shared bytes in the old one; each has its own now. */
  readonly shared: readonly (readonly string[])[];
  /** The names of values in the old file that are no tensors and were left out. */
  readonly others: readonly string[];
}

/** The names that begin with a key, without it. */
function namesUnder(names: readonly string[], key: string | undefined): string[] {
  if (key === undefined) return [...names];
  return names.filter((name) => name.startsWith(`${key}.`)).map((name) => name.slice(key.length + 1));
}

function headerEntry(path: string, name: string, file: TensorFile, dtype: FloatDType | undefined): HeaderEntry {
  const { dtype: stored, shape } = file.info(name);
  if (!isDType(stored))
    throw new TensorFileError(path, `tensor ${quoted(name)}: cannot convert dtype ${shown(stored)}`);
  return { dtype: dtype !== undefined && isFloat(stored) ? dtype : stored, shape };
}

/** Reads a tensor as the dtype that it is written as. */
async function readAs(path: string, name: string, file: TensorFile, dtype: DType): Promise<TensorData> {
  const tensor = await file.read(name);
  if (tensor.dtype === dtype || !isFloat(dtype)) return tensor;
  const result = fromFloat32(toFloat32(tensor), tensor.shape, dtype);
  const [before, after] = [toFloat32(tensor), toFloat32(result)];
  const lost = before.findIndex((value, i) => Number.isFinite(value) && !Number.isFinite(after[i]));
  if (lost < 0) return result;
  throw new TensorFileError(path, `tensor ${quoted(name)}: ${before[lost]} is too large for ${dtype}`);
}

/**
 * Writes the tensors of a file (safetensors, sharded safetensors, `.pt`, `.pth`) as one safetensors file, whole or not at
 * all. One tensor at a time is in memory. The metadata of a safetensors file stay; a file of torch has none, and gets
 * `format: pt` as Python's `safetensors.torch` writes it.
 *
 * @throws {@link TensorFileError} for a file that cannot be read, a key that it lacks, a tensor of an unsupported dtype, a
 *   number that the new dtype cannot hold, and a wrong option
 */
export async function convertTensors(
  from: string,
  to: string,
  options: ConvertTensorsOptions = {},
): Promise<ConvertedTensors> {
  checkOptions(from, options, ['key', 'dtype']);
  const { key, dtype } = options;
  if (dtype !== undefined && !['F32', 'F16', 'BF16'].includes(dtype)) {
    throw new TensorFileError(from, `dtype: expected F32, F16 or BF16, got ${shown(dtype)}`);
  }
  const file = await openTensorFile(from);
  try {
    const { shared, others }: TensorFile & Partial<Pick<TorchFile, 'shared' | 'others'>> = file;
    const part = key === undefined ? file : tensorsUnder(file, key, from);
    const listed = part.names.map((name): [string, HeaderEntry] => [name, headerEntry(from, name, part, dtype)]);
    const entries = orderedTensors(to, listed);
    const metadata = shared === undefined ? part.metadata : { format: 'pt' };
    const header = encodeHeader(to, entries, { metadata });
    let bytes = 0;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield header;
      for (const [name, entry] of entries) {
        const data = tensorBytes(await readAs(from, name, part, entry.dtype));
        bytes += data.length;
        yield data;
      }
    }
    await writeFileAtomic(to, chunks());
    return {
      tensors: entries.length,
      bytes,
      shared: (shared ?? []).map((names) => namesUnder(names, key)).filter((names) => names.length > 1),
      others: namesUnder(others ?? [], key),
    };
  } finally {
    await file.close();
  }
}
