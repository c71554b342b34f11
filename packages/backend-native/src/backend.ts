import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import {
  type BackendTimingInfo,
  type backend_util,
  type DataType,
  engine,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import { BufferPool, type PoolStatistics } from './buffer-pool';
import { Entries, Entry } from './entries';
import { Later } from './later';
import type { NativeAddon } from './native';

/** The name of the backend for `tf.setBackend`. */
export const NATIVE = 'native';

/**
 * The precision of matrix products: float32, or bfloat16 factors with float32 sums. Everything else (weights, norms,
 * softmax, the optimiser) is always float32.
 */
export type Precision = 'f32' | 'bf16';

/** Lent values of so many bytes are copied. A kernel that reads more computes as long as JavaScript has to do around it. */
const COPIED_BYTES = 256 * 1024;

/** What `tf.memory()` adds on this backend. */
export interface NativeMemoryInfo {
  /** The numbers below are exact. */
  unreliable: boolean;
  /** Required by tfjs; empty. */
  reasons: string[];
  /** The pool of tensor buffers. */
  pool: PoolStatistics;
}

/**
 * The tfjs backend `'native'`: the data model of the cpu backend (values in typed arrays, no copies between the two),
 * with Rust kernels. Outputs of its kernels come from a pool of aligned buffers. A buffer returns to the pool when the
 * last tensor that refers to it is disposed, unless its array was handed out (`data()`, `dataSync()`, a view of a cpu
 * kernel).
 */
export class NativeBackend extends MathBackendCPU {
  /** The Rust functions. Some return before they have computed, see {@link NativeBackend.finish}. */
  readonly addon: NativeAddon;
  readonly #later: Later;
  /** The precision of matrix products; set it with `setNativePrecision`. */
  precision: Precision = 'f32';
  readonly #pool: BufferPool;
  readonly #entries: Entries;
  /** Whether a kernel that is running reads lent values. */
  #readsLent = false;

  /**
   * @param addon the loaded addon
   * @param limitBytes the most bytes of idle buffers
   */
  constructor(addon: NativeAddon, limitBytes: number) {
    super();
    this.#later = new Later(addon);
    this.addon = this.#later.addon;
    this.#entries = new Entries(this, engine());
    Object.assign(this, { data: this.#entries }); // what the cpu backend's methods read
    this.#pool = new BufferPool((length) => addon.allocate(length), limitBytes);
  }

  /**
   * Stores a new tensor's values without a copy. The caller's array is never written to or pooled, and no kernel reads it
   * after it has returned, so that the caller may use it for something else.
   */
  override write(values: backend_util.BackendValues, _shape: number[], dtype: DataType): object {
    const entry = new Entry(values, dtype);
    entry.lent = true;
    return this.#entries.add(entry);
  }

  /** A tensor of a kernel. Its values are nobody else's, unlike those of {@link NativeBackend.write}. */
  override makeTensorInfo(
    shape: number[],
    dtype: DataType,
    values?: backend_util.BackendValues | string[],
  ): TensorInfo {
    const made = super.makeTensorInfo(shape, dtype, values);
    this.#entry(made.dataId).lent = false;
    return made;
  }

  /** Waits until all values are computed. Call it before values are read or written outside the addon. */
  finish(): void {
    this.#later.finish();
  }

  /** Takes a float32 output from the pool. Its values are unspecified; the kernel must write every one. */
  output(shape: number[]): TensorInfo {
    const values = this.#pool.take(util.sizeFromShape(shape));
    return { dataId: this.#entries.add(new Entry(values, 'float32', true)), shape, dtype: 'float32' };
  }

  /** Returns the values of a float32 tensor. They may be written only where `output` made the tensor. */
  f32(tensor: TensorInfo): Float32Array {
    const entry = this.#entry(tensor.dataId);
    if (entry.lent) this.#takeBack(entry);
    return entry.values as Float32Array;
  }

  /** As `f32`; lent values are not copied, whatever their size. */
  f32Uncopied(tensor: TensorInfo): Float32Array {
    const entry = this.#entry(tensor.dataId);
    if (entry.lent) this.#readsLent = true;
    return entry.values as Float32Array;
  }

  /** The values of an int32 tensor. */
  i32(tensor: TensorInfo): Int32Array {
    const entry = this.#entry(tensor.dataId);
    if (entry.lent) this.#takeBack(entry);
    if (entry.values instanceof Int32Array) return entry.values;
    this.finish();
    return Int32Array.from(entry.values as Uint8Array);
  }

  /** The values of a bool tensor. */
  u8(tensor: TensorInfo): Uint8Array {
    const entry = this.#entry(tensor.dataId);
    if (entry.lent) this.#takeBack(entry);
    return entry.values as Uint8Array;
  }

  /** Called when a kernel returns. Where it reads lent values, it has computed then: the lender may write to them. */
  returnLent(): void {
    if (!this.#readsLent) return;
    this.#readsLent = false;
    this.finish();
  }

  /** Sees to it that nothing reads lent values later: few of them are copied, a kernel that reads many is waited for. */
  #takeBack(entry: Entry): void {
    const { values } = entry;
    if (!ArrayBuffer.isView(values) || values.byteLength > COPIED_BYTES) {
      this.#readsLent = true;
      return;
    }
    entry.values = (values as Float32Array).slice();
    entry.lent = false;
  }

  /** Takes scratch memory of unspecified content for one kernel. Return it with `giveScratch`. */
  takeScratch(length: number): Float32Array {
    return this.#pool.take(length);
  }

  /** Returns scratch memory to the pool. */
  giveScratch(buffer: Float32Array): void {
    this.#pool.give(buffer);
  }

  /** Two tensors are in the same memory: it stays out of the pool, and who reads one of them is lent both. */
  share(dataId: object, view: object): void {
    const entry = this.#entry(dataId);
    this.#keepFromPool(entry);
    entry.lent = true;
    this.#entry(view).lent = true;
  }

  #keepFromPool(entry: Entry): void {
    if (!entry.pooled) return;
    entry.pooled = false;
    this.#pool.forget(entry.values as Float32Array);
  }

  /**
   * Whether only this tensor refers to its values. A kernel that was given the tensor's memory may then write over
   * them.
   */
  isSole(tensor: TensorInfo): boolean {
    const entry = this.#entry(tensor.dataId);
    return entry.pooled && entry.refCount === 1;
  }

  /** The buffer of a tensor's values, where they are a typed array. */
  buffer(tensor: TensorInfo): ArrayBufferLike | undefined {
    const { values } = this.#entry(tensor.dataId);
    return ArrayBuffer.isView(values) ? values.buffer : undefined;
  }

  /** Returns the values of a tensor, which are lent to the caller: the array is never written to again. */
  override readSync(dataId: object): backend_util.BackendValues {
    this.finish();
    const entry = this.#entry(dataId);
    this.#keepFromPool(entry);
    entry.lent = true;
    return super.readSync(dataId);
  }

  /** The time that `f` and the computation of what it began take. */
  override async time(f: () => void): Promise<BackendTimingInfo> {
    this.finish();
    const start = performance.now();
    f();
    this.finish();
    return { kernelMs: performance.now() - start };
  }

  override disposeData(dataId: object, force = false): boolean {
    if (!this.#entries.has(dataId)) return true;
    const entry = this.#entry(dataId);
    entry.refCount--;
    if (!force && entry.refCount > 0) return false;
    if (entry.complexTensorInfos !== undefined) {
      this.disposeData(entry.complexTensorInfos.real.dataId, true);
      this.disposeData(entry.complexTensorInfos.imag.dataId, true);
    }
    const { values, pooled } = entry;
    this.#entries.delete(dataId);
    if (pooled) {
      entry.pooled = false;
      this.#pool.give(values as Float32Array);
    }
    return true;
  }

  /** What `tf.memory()` adds: the pool. */
  override memory(): NativeMemoryInfo {
    return { unreliable: false, reasons: [], pool: this.#pool.statistics() };
  }

  /** Frees the idle buffers. */
  override dispose(): void {
    this.finish();
    this.#pool.clear();
  }

  override epsilon(): number {
    return 1e-7;
  }

  #entry(dataId: object): Entry {
    return this.#entries.get(dataId);
  }
}
