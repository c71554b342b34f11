import type { backend_util, DataMover, DataStorage, DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';

/**
 * What the backend knows of a tensor's values. It is at the same time the data id that tfjs keeps, so that a kernel finds
 * its inputs by reading a field: a look-up in a WeakMap costs as much as a small kernel's call.
 */
export class Entry {
  values: backend_util.BackendValues;
  dtype: DataType;
  refCount = 1;
  complexTensorInfos?: { real: TensorInfo; imag: TensorInfo };
  /** Whether the values may go back to the pool. */
  pooled: boolean;
  /** Whether others have the array too, and may write to it at any time: who made the tensor of it, or has read it. */
  lent = false;
  /** Where it is kept; undefined once it is disposed or has moved to another backend. */
  owner: Entries | undefined;

  constructor(values: backend_util.BackendValues, dtype: DataType, pooled = false) {
    this.values = values;
    this.dtype = dtype;
    this.pooled = pooled;
  }
}

/** The entries of a backend, in the place of tfjs's `DataStorage`. Data ids of other backends have entries of their own. */
export class Entries implements Pick<DataStorage<Entry>, 'get' | 'set' | 'has' | 'delete' | 'numDataIds'> {
  readonly #moved = new WeakMap<object, Entry>();
  readonly #backend: KernelBackend;
  readonly #mover: DataMover;
  #count = 0;

  /**
   * @param backend whose entries they are
   * @param mover brings a tensor of another backend here
   */
  constructor(backend: KernelBackend, mover: DataMover) {
    this.#backend = backend;
    this.#mover = mover;
  }

  /** The entry of a data id; a tensor of another backend moves here first. */
  get(dataId: object): Entry {
    const known = this.#find(dataId);
    if (known !== undefined) return known;
    this.#mover.moveData(this.#backend, dataId);
    return this.#find(dataId) as Entry;
  }

  /** Adds an entry, or what tfjs's cpu backend takes for one; the values are another backend's. */
  set(dataId: object, { values, dtype, refCount }: Pick<Entry, 'values' | 'dtype' | 'refCount'>): void {
    const entry = dataId instanceof Entry ? dataId : new Entry(values, dtype);
    if (entry !== dataId) this.#moved.set(dataId, entry);
    Object.assign(entry, { values, dtype, refCount, owner: this, lent: true });
    this.#count++;
  }

  /** Adds a new entry, whose data id it is. */
  add(entry: Entry): Entry {
    entry.owner = this;
    this.#count++;
    return entry;
  }

  has(dataId: object): boolean {
    return this.#find(dataId) !== undefined;
  }

  delete(dataId: object): boolean {
    const entry = this.#find(dataId);
    if (entry === undefined) return false;
    entry.owner = undefined;
    entry.values = []; // a disposed tensor that something still holds holds no memory
    if (entry !== dataId) this.#moved.delete(dataId);
    this.#count--;
    return true;
  }

  numDataIds(): number {
    return this.#count;
  }

  #find(dataId: object): Entry | undefined {
    const entry = dataId instanceof Entry ? dataId : this.#moved.get(dataId);
    return entry?.owner === this ? entry : undefined;
  }
}
