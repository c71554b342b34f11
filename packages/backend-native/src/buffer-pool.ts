/** Statistics of a pool. */
export interface PoolStatistics {
  /** Bytes of idle buffers in the pool. */
  readonly idleBytes: number;
  /** Idle buffers in the pool. */
  readonly idleBuffers: number;
  /** Bytes of the buffers that tensors hold. */
  readonly usedBytes: number;
  /** The largest sum of idle and used bytes so far. */
  readonly peakBytes: number;
  /** Buffers that had to be allocated so far; constant in the steady state of a training loop. */
  readonly allocations: number;
}

interface Shelf {
  readonly buffers: Float32Array[];
  lastTaken: number;
}

/** Buffers of a length that was not asked for during so many requests are freed at the next allocation. */
const STALE_AFTER = 16_384;

/**
 * Idle buffers by their exact length. Every training step asks for the same lengths, so nothing is allocated after the
 * first steps. Idle bytes never exceed `limitBytes`. Buffers of lengths that are no longer asked for are freed.
 */
export class BufferPool {
  readonly #shelves = new Map<number, Shelf>();
  readonly #allocate: (length: number) => Float32Array;
  readonly #limitBytes: number;
  #requests = 0;
  #idleBytes = 0;
  #idleBuffers = 0;
  #usedBytes = 0;
  #peakBytes = 0;
  #allocations = 0;

  /**
   * @param allocate makes a new buffer of a length
   * @param limitBytes the most bytes kept idle
   */
  constructor(allocate: (length: number) => Float32Array, limitBytes: number) {
    this.#allocate = allocate;
    this.#limitBytes = limitBytes;
  }

  /** A buffer of `length` elements with unspecified content. */
  take(length: number): Float32Array {
    this.#requests++;
    this.#usedBytes += 4 * length;
    const shelf = this.#shelves.get(length);
    if (shelf !== undefined) {
      shelf.lastTaken = this.#requests;
      const buffer = shelf.buffers.pop();
      if (buffer !== undefined) {
        this.#idleBytes -= 4 * length;
        this.#idleBuffers--;
        return buffer;
      }
    } else {
      this.#shelves.set(length, { buffers: [], lastTaken: this.#requests });
    }
    this.#dropStale();
    this.#allocations++;
    this.#peakBytes = Math.max(this.#peakBytes, this.#idleBytes + this.#usedBytes);
    return this.#allocate(length);
  }

  /** Takes back a buffer that `take` gave and that nothing refers to any more. */
  give(buffer: Float32Array): void {
    this.forget(buffer);
    const bytes = buffer.byteLength;
    if (this.#idleBytes + bytes > this.#limitBytes) return;
    const shelf = this.#shelves.get(buffer.length);
    if (shelf === undefined) return;
    shelf.buffers.push(buffer);
    this.#idleBytes += bytes;
    this.#idleBuffers++;
  }

  /** Leaves a buffer that `take` gave to the garbage collector, because something outside refers to it. */
  forget(buffer: Float32Array): void {
    this.#usedBytes -= buffer.byteLength;
  }

  /** Frees all idle buffers. */
  clear(): void {
    this.#shelves.clear();
    this.#idleBytes = 0;
    this.#idleBuffers = 0;
  }

  /** Returns the pool's statistics. */
  statistics(): PoolStatistics {
    return {
      idleBytes: this.#idleBytes,
      idleBuffers: this.#idleBuffers,
      usedBytes: this.#usedBytes,
      peakBytes: this.#peakBytes,
      allocations: this.#allocations,
    };
  }

  #dropStale(): void {
    for (const [length, shelf] of this.#shelves) {
      if (this.#requests - shelf.lastTaken <= STALE_AFTER) continue;
      this.#idleBytes -= 4 * length * shelf.buffers.length;
      this.#idleBuffers -= shelf.buffers.length;
      this.#shelves.delete(length);
    }
  }
}
