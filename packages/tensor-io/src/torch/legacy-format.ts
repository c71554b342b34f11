import type { ByteSource } from '../byte-source';
import type { PickleResolver } from '../pickle/values';
import { describeValue } from '../pickle/values';
import { quoted, TensorFileError } from '../tensor-file-error';
import type { TorchContainer } from './container';
import { MAX_PICKLE_BYTES, tryUnpickle } from './pickle-of-file';
import { torchResolver } from './resolver';
import { type Storage, StorageTable } from './storage';

/** The first pickle of a file: torch's magic number. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
/** The second. */
const PROTOCOL = 1001;
/** How much of the file is read at first; four times as much each time that a pickle is longer. */
const FIRST_BYTES = 65_536;
/** Before each storage stands its number of elements. */
const COUNT_BYTES = 8;

/** Nothing may be named in the pickles that describe the file. */
const NOTHING: PickleResolver = /* @__PURE__ */ (() => torchResolver(new StorageTable()))();

/** Reads pickles that stand one after the other, without knowing where they end. */
class PickleSequence {
  #bytes = new Uint8Array(0);
  /** Where the next one starts. */
  at = 0;

  constructor(private readonly source: ByteSource) {}

  async next(resolver: () => PickleResolver): Promise<unknown> {
    const { name, size } = this.source;
    for (;;) {
      const read = tryUnpickle(name, this.#bytes, resolver(), this.at);
      if (read !== undefined) {
        this.at = read.end;
        return read.value;
      }
      const length = Math.min(size, Math.max(FIRST_BYTES, 4 * this.#bytes.length));
      if (length === this.#bytes.length) throw new TensorFileError(name, 'pickle ends before its STOP: it is cut off');
      if (this.#bytes.length >= MAX_PICKLE_BYTES) {
        throw new TensorFileError(name, `pickle is longer than ${MAX_PICKLE_BYTES} bytes`);
      }
      this.#bytes = new Uint8Array(await this.source.read(0, length));
    }
  }
}

function checkSystem(file: string, info: unknown): void {
  const little = info instanceof Map ? info.get('little_endian') : undefined;
  if (little === true) return;
  throw new TensorFileError(
    file,
    `expected a file of a little-endian machine, got little_endian ${describeValue(little ?? null)}`,
  );
}

/** Where the data of each storage lie: one after the other in the order of `keys`, each behind its count. */
function layOut(file: string, keys: unknown, storages: ReadonlyMap<string, Storage>, start: number) {
  if (!Array.isArray(keys)) {
    throw new TensorFileError(file, `expected a list of the keys of storages, got ${describeValue(keys)}`);
  }
  const offsets = new Map<Storage, number>();
  let end = start;
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined;
    if (storage === undefined || offsets.has(storage)) {
      const problem = storage === undefined ? 'which no tensor has' : 'which stands twice';
      throw new TensorFileError(file, `the data of storage ${describeValue(key)}, ${problem}`);
    }
    offsets.set(storage, end + COUNT_BYTES);
    end += COUNT_BYTES + storage.byteLength;
  }
  const missing = [...storages.values()].find((storage) => !offsets.has(storage));
  if (missing !== undefined) throw new TensorFileError(file, `storage ${quoted(missing.key)}: its data are missing`);
  return { offsets, end };
}

/**
 * Opens a file in the format of torch before 1.6, which newer versions write with `_use_new_zipfile_serialization=False`:
 * pickles of a magic number, a version, the system, the value and the keys of the storages; then the storages.
 */
export async function openLegacyFormat(source: ByteSource): Promise<TorchContainer> {
  const { name: file } = source;
  const pickles = new PickleSequence(source);
  const magic = await pickles.next(() => NOTHING);
  if (magic !== MAGIC) {
    throw new TensorFileError(
      file,
      `is a pickle, but not of torch: expected its magic number, got ${describeValue(magic)}`,
    );
  }
  const protocol = await pickles.next(() => NOTHING);
  if (protocol !== PROTOCOL) {
    throw new TensorFileError(
      file,
      `expected version ${PROTOCOL} of the legacy format, got ${describeValue(protocol)}`,
    );
  }
  checkSystem(file, await pickles.next(() => NOTHING));
  let table = new StorageTable();
  const value = await pickles.next(() => torchResolver((table = new StorageTable())));
  const { storages } = table;
  const keys = await pickles.next(() => NOTHING);
  const { offsets, end } = layOut(file, keys, storages, pickles.at);
  if (end !== source.size) {
    const cut = source.size < end ? ': it is cut off, perhaps by a transfer that ended too early' : '';
    throw new TensorFileError(file, `describes a file of ${end} bytes, got ${source.size}${cut}`);
  }
  return {
    format: 'legacy',
    value,
    bigEndian: false,
    async content(storage) {
      const offset = offsets.get(storage)!;
      const bytes = await source.read(offset - COUNT_BYTES, COUNT_BYTES);
      const count = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
      if (count !== BigInt(storage.count)) {
        const said = `said to have ${storage.count} elements, and ${count} where its data are`;
        throw new TensorFileError(file, `storage ${quoted(storage.key)}: ${said}`);
      }
      return { source, offset };
    },
  };
}
