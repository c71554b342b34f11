/** What a pool holds and did. */
export interface PoolStatistics {
  /** Bytes of idle buffers in the pool. */
  readonly idleBytes: number;
  /** Idle buffers in the pool. */
  readonly idleBuffers: number;
  /** Bytes of the buffers that tensors hold. */
  readonly usedBytes: number;
  /** The largest that idle and used bytes have been together. */
  readonly peakBytes: number;
  /** Buffers that had to be allocated so far; constant in the steady state of a training loop. */
  readonly allocations: number;
}

interface Shelf {
  readonly buffers: Float32Array[];
  lastTaken: number;
}

/** A size that was not asked for during so many requests is given up when the pool next allocates. */
const STALE_AFTER = 16_384;

/**
 * Idle buffers by their exact length. A training step asks for the same lengths again and again: after the first steps
 * nothing is allocated. Idle bytes never exceed `limitBytes`; lengths that are no longer asked for are given up.
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

  /** Leaves a buffer that `take` gave to the garbage collector: somebody outside refers to it. */
  forget(buffer: Float32Array): void {
    this.#usedBytes -= buffer.byteLength;
  }

  /** Gives up all idle buffers. */
  clear(): void {
    this.#shelves.clear();
    this.#idleBytes = 0;
    this.#idleBuffers = 0;
  }

  /** What the pool holds and did. */
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
