import { checkSource } from '../arguments';
import type { ByteSource } from '../byte-source';
import { arrayOf, isDType } from '../dtype';
import { countElements, type TensorData, tensorFromBytes } from '../tensor-data';
import type { TensorFile, TensorSummary } from '../tensor-file';
import { quoted, shown, TensorFileError } from '../tensor-file-error';
import type { TorchContainer } from './container';
import { openLegacyFormat } from './legacy-format';
import { namedContent } from './names';
import { type StoredTensor, spanOf } from './rebuild';
import { overlapping } from './shared';
import { checkExpanded, gather, isContiguous } from './strided';
import { openZipFormat } from './zip-format';

/** What a file of torch says about a tensor. */
export interface TorchTensorInfo extends TensorSummary {
  /** How many elements lie between neighbours along each axis. */
  readonly strides: readonly number[];
  /** Which storage it lies in, by the file's key. */
  readonly storage: string;
  /** Where it starts there, in bytes. */
  readonly storageOffset: number;
}

/** An open `.pt` or `.pth` file of torch. */
export interface TorchFile extends TensorFile {
  /** `'zip'` since torch 1.6, `'legacy'` before. */
  readonly format: 'zip' | 'legacy';
  /**
   * The names of all tensors, in the file's order. The names are made of the keys of nested dicts and the positions in
   * lists, with dots: `ema.blocks.0.attn.qkv.weight`. A file of one tensor calls it `tensor`.
   */
  readonly names: readonly string[];
  /** The names of what is no tensor: numbers, texts, lists of these. */
  readonly others: readonly string[];
  /** Names of tensors whose bytes in the file overlap, as those of tied weights do. Each is read as a tensor of its own. */
  readonly shared: readonly (readonly string[])[];
  /**
   * Returns dtype, shape and place of a tensor.
   *
   * @throws {@link TensorFileError} for a name that the file does not hold
   */
  info(name: string): TorchTensorInfo;
}

/** How a legacy file begins: a pickle of protocol 2 and later, or torch's magic number as protocol 1 writes it. */
const LEGACY_STARTS = ['\x80', 'L119547037146038801333356L'];
/** Where tar writes its name; torch before 0.1.10 wrote tar archives. */
const TAR_MAGIC = 257;

async function openContainer(source: ByteSource): Promise<TorchContainer> {
  const start = await source.read(0, Math.min(source.size, TAR_MAGIC + 5));
  const letters = String.fromCharCode(...start);
  if (letters.startsWith('PK')) return openZipFormat(source);
  if (letters.endsWith('ustar')) {
    throw new TensorFileError(
      source.name,
      'is a tar archive, as torch wrote before 0.1.10: load it with such a version and save it anew',
    );
  }
  if (LEGACY_STARTS.some((start) => letters.startsWith(start))) return openLegacyFormat(source);
  throw new TensorFileError(
    source.name,
    `does not look like a file of torch: it begins with ${quoted(letters.slice(0, 8))}`,
  );
}

function unreadable(file: string, name: string, { elements, shape }: StoredTensor): TensorFileError {
  const known = Object.keys(arrayOf).join(', ');
  const { dtype } = elements;
  return new TensorFileError(file, `tensor ${quoted(name)}: cannot read dtype ${shown(dtype)}, only ${known}`, {
    unreadable: true,
    tensor: { dtype, shape },
  });
}

async function readTensor(
  file: string,
  container: TorchContainer,
  name: string,
  tensor: StoredTensor,
): Promise<TensorData> {
  const { elements, shape, strides, storage, byteOffset } = tensor;
  const { dtype, width } = elements;
  if (!isDType(dtype)) throw unreadable(file, name, tensor);
  const count = countElements(shape, Number.MAX_SAFE_INTEGER / width);
  const bytes = spanOf(shape, strides) * width;
  if (count === undefined)
    throw new TensorFileError(file, `tensor ${quoted(name)}: shape ${shown(shape)} is too large`);
  checkExpanded(file, quoted(name), { bytes: count * width, stored: bytes });
  if (count === 0) return tensorFromBytes(dtype, shape, new Uint8Array(0));
  const { source, offset, check } = await container.content(storage);
  const stored = await source.read(offset + byteOffset, bytes);
  if (byteOffset === 0 && bytes === storage.byteLength) check?.(stored);
  const own = isContiguous(shape, strides) ? stored : gather(stored, { shape, strides, count, width });
  return tensorFromBytes(dtype, shape, own, container.bigEndian);
}

/**
 * Opens a file that Python's `torch.save` wrote, in the zip format (torch 1.6 and later) or the legacy one: a tensor, a
 * state dict, a checkpoint of nested dicts. The pickle in it is read and checked; no code is run, and anything but
 * tensors, storages and plain containers is refused by name. Strided tensors are read in row-major order. The file owns
 * the source from here on: `close` closes it, and so does a failure to open.
 *
 * Where a tensor is all of its storage the checksum of the zip format is checked.
 *
 * @throws {@link TensorFileError} for a file that breaks the format or holds anything else
 */
export async function openTorch(source: ByteSource): Promise<TorchFile> {
  checkSource('openTorch', source);
  const open = async () => {
    const container = await openContainer(source);
    return { container, content: namedContent(source.name, container.value) };
  };
  const { container, content } = await open().catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  const { tensors, others } = content;
  const tensorAt = (name: string): StoredTensor => {
    const found = tensors.get(name);
    if (!found) throw new TensorFileError(source.name, `holds no tensor ${quoted(name)}`);
    return found;
  };
  return {
    format: container.format,
    names: [...tensors.keys()],
    others,
    shared: overlapping(tensors),
    metadata: {},
    info(name) {
      const { elements, shape, strides, storage, byteOffset } = tensorAt(name);
      return { dtype: elements.dtype, shape, strides, storage: storage.key, storageOffset: byteOffset };
    },
    read: async (name) => readTensor(source.name, container, name, tensorAt(name)),
    close: () => source.close(),
  };
}
