import { PickleRefusal } from '../pickle/cursor';
import { describeValue, type PickleGlobal, PickleTuple } from '../pickle/values';
import { quoted } from '../tensor-file-error';

/** What the elements of a storage are. */
export interface ElementType {
  /** By its safetensors name where it has one. */
  readonly dtype: string;
  /** Bytes of an element. */
  readonly width: number;
}

/** Storage classes of torch, by what they hold. An untyped one counts bytes, and its tensors say their dtype. */
const STORAGES: Readonly<Record<string, ElementType>> = {
  'torch.DoubleStorage': { dtype: 'F64', width: 8 },
  'torch.FloatStorage': { dtype: 'F32', width: 4 },
  'torch.HalfStorage': { dtype: 'F16', width: 2 },
  'torch.BFloat16Storage': { dtype: 'BF16', width: 2 },
  'torch.LongStorage': { dtype: 'I64', width: 8 },
  'torch.IntStorage': { dtype: 'I32', width: 4 },
  'torch.ShortStorage': { dtype: 'I16', width: 2 },
  'torch.CharStorage': { dtype: 'I8', width: 1 },
  'torch.ByteStorage': { dtype: 'U8', width: 1 },
  'torch.BoolStorage': { dtype: 'BOOL', width: 1 },
  // Listed, but not read
  'torch.ComplexFloatStorage': { dtype: 'C64', width: 8 },
  'torch.ComplexDoubleStorage': { dtype: 'C128', width: 16 },
};

/** Dtypes of torch. Those without a storage class are written over untyped storages. */
const DTYPES: Readonly<Record<string, ElementType>> = {
  'torch.float64': { dtype: 'F64', width: 8 },
  'torch.float32': { dtype: 'F32', width: 4 },
  'torch.float16': { dtype: 'F16', width: 2 },
  'torch.bfloat16': { dtype: 'BF16', width: 2 },
  'torch.int64': { dtype: 'I64', width: 8 },
  'torch.int32': { dtype: 'I32', width: 4 },
  'torch.int16': { dtype: 'I16', width: 2 },
  'torch.int8': { dtype: 'I8', width: 1 },
  'torch.uint64': { dtype: 'U64', width: 8 },
  'torch.uint32': { dtype: 'U32', width: 4 },
  'torch.uint16': { dtype: 'U16', width: 2 },
  'torch.uint8': { dtype: 'U8', width: 1 },
  'torch.bool': { dtype: 'BOOL', width: 1 },
  // Listed, but not read
  'torch.complex64': { dtype: 'C64', width: 8 },
  'torch.complex128': { dtype: 'C128', width: 16 },
  'torch.float8_e4m3fn': { dtype: 'F8_E4M3', width: 1 },
  'torch.float8_e5m2': { dtype: 'F8_E5M2', width: 1 },
  'torch.float8_e4m3fnuz': { dtype: 'F8_E4M3FNUZ', width: 1 },
  'torch.float8_e5m2fnuz': { dtype: 'F8_E5M2FNUZ', width: 1 },
  'torch.float8_e8m0fnu': { dtype: 'F8_E8M0', width: 1 },
};

const UNTYPED: readonly string[] = ['torch.storage.UntypedStorage', 'torch.UntypedStorage'];

/** The class of a storage. */
export class StorageClass implements PickleGlobal {
  /** `elements` is undefined for an untyped one. */
  constructor(
    readonly name: string,
    readonly elements: ElementType | undefined,
  ) {}
}

/** A dtype. */
export class DTypeGlobal implements PickleGlobal {
  /** What torch calls it, and what its elements are. */
  constructor(
    readonly name: string,
    readonly elements: ElementType,
  ) {}
}

/** The classes of storages and the dtypes, by name. */
export const STORAGE_GLOBALS: readonly PickleGlobal[] = /* @__PURE__ */ (() => [
  ...Object.entries(STORAGES).map(([name, elements]) => new StorageClass(name, elements)),
  ...UNTYPED.map((name) => new StorageClass(name, undefined)),
  ...Object.entries(DTYPES).map(([name, elements]) => new DTypeGlobal(name, elements)),
])();

/** A run of bytes that tensors lie in. */
export interface Storage {
  /** By what the file calls it. */
  readonly key: string;
  /** What the elements are; undefined for bytes whose tensors say it. */
  readonly elements: ElementType | undefined;
  /** How many elements, or bytes. */
  readonly count: number;
  /** All bytes. */
  readonly byteLength: number;
}

/** A storage, or in files of old versions a part of one. */
export class StorageView {
  /** Offset and length are in bytes. */
  constructor(
    readonly storage: Storage,
    readonly byteOffset: number,
    readonly byteLength: number,
  ) {}
}

function natural(what: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new PickleRefusal(`${what}: expected a natural number below 2^53, got ${describeValue(value)}`);
}

/** The storages of a file, as its pickle names them. */
export class StorageTable {
  readonly #storages = new Map<string, Storage>();

  /** All that were named, by key, in this order. */
  get storages(): ReadonlyMap<string, Storage> {
    return this.#storages;
  }

  /**
   * The storage of a persistent id: a tuple of 'storage', the class, the key, the device and the number of elements;
   * in the legacy format a sixth entry is None or the part of the storage that is meant.
   */
  resolve(id: unknown): StorageView {
    const [kind, type, key, , count, part = null] = id instanceof PickleTuple ? id.items : [];
    if (kind !== 'storage') {
      throw new PickleRefusal(`an object outside of the pickle: expected a storage, got ${describeValue(kind ?? id)}`);
    }
    if (!(type instanceof StorageClass)) {
      throw new PickleRefusal(`a storage: expected its class, got ${describeValue(type)}`);
    }
    if (typeof key !== 'string') throw new PickleRefusal(`a storage: expected its key, got ${describeValue(key)}`);
    const storage = this.#named(key, type, natural(`storage ${quoted(key)}: number of elements`, count));
    if (part === null) return new StorageView(storage, 0, storage.byteLength);
    return viewOf(storage, part);
  }

  #named(key: string, { name, elements }: StorageClass, count: number): Storage {
    const known = this.#storages.get(key);
    if (known === undefined) {
      const byteLength = natural(`storage ${quoted(key)}: bytes`, count * (elements?.width ?? 1));
      const storage = { key, elements, count, byteLength };
      this.#storages.set(key, storage);
      return storage;
    }
    if (known.elements !== elements || known.count !== count) {
      const was = `${known.count} of ${known.elements?.dtype ?? 'bytes'}`;
      throw new PickleRefusal(`storage ${quoted(key)}: said to be ${was}, and then to be ${count} of ${name}`);
    }
    return known;
  }
}

function viewOf(storage: Storage, part: unknown): StorageView {
  const [, offset, count] = part instanceof PickleTuple ? part.items : [];
  const what = `storage ${quoted(storage.key)}: its part`;
  const width = storage.elements?.width ?? 1;
  const [start, length] = [natural(what, offset) * width, natural(what, count) * width];
  if (start + length <= storage.byteLength) return new StorageView(storage, start, length);
  throw new PickleRefusal(`${what} of ${String(count)} from ${String(offset)} lies beyond its ${storage.count}`);
}
