import { bernoulli, createGenerator, permutation, randomIntegers, stream } from '@learngene/random';
import { range } from './memory';

/** A position in the endless sequence of samples: an epoch, and how many samples of it are used up. */
export interface Cursor {
  /** 0 for the first time through the dataset. */
  readonly epoch: number;
  /** Samples of the epoch that are used up, 0 to size - 1. */
  readonly position: number;
}

/** What happens where an epoch has fewer samples left than a batch needs. */
export type Remainder = 'carry' | 'short' | 'drop';

/** The settings that determine the sequence of samples. */
export interface BatchPlanOptions {
  /** Images of the dataset. */
  readonly size: number;
  /** Images of a batch. */
  readonly batchSize: number;
  /** Seed of the order and of the flips. */
  readonly seed: number;
  /** A new order every epoch. */
  readonly shuffle: boolean;
  /** Mirrors half of the images, drawn anew every epoch. */
  readonly flip: boolean;
  /** What happens at the end of an epoch. */
  readonly remainder: Remainder;
  /** Crops of an image, one of which is drawn anew every epoch (default 1). */
  readonly crops?: number;
}

/** The samples of one batch, and where the next batch begins. */
export interface BatchPlan {
  /** Indices into the dataset. */
  readonly indices: Int32Array;
  /** 1 where the image is mirrored. */
  readonly flips: Uint8Array;
  /** The crop of every image. */
  readonly crops: Int32Array;
  /** The epoch of the first sample. */
  readonly epoch: number;
  /** Where the next batch begins. */
  readonly after: Cursor;
}

/**
 * Makes a function from a position in the sequence of samples to the batch that starts there. Order and flips of an
 * epoch depend only on the seed and the epoch's number, so any position can be reached at once.
 */
export function batchPlanner(options: BatchPlanOptions): (from: Cursor) => BatchPlan {
  const { size, batchSize, remainder } = options;
  let cached: Epoch = { epoch: -1, order: new Int32Array(0), flips: new Uint8Array(0), crops: new Int32Array(0) };
  const epochAt = (epoch: number) => {
    if (cached.epoch !== epoch) cached = drawEpoch(epoch, options);
    return cached;
  };
  return (from) => {
    let { epoch, position } = from;
    if (remainder === 'drop' && size - position < batchSize) {
      epoch++;
      position = 0;
    }
    const first = epoch;
    const count = remainder === 'short' ? Math.min(batchSize, size - position) : batchSize;
    const indices = new Int32Array(count);
    const flips = new Uint8Array(count);
    const crops = new Int32Array(count);
    for (let done = 0; done < count; ) {
      const drawn = epochAt(epoch);
      const end = Math.min(size, position + count - done);
      indices.set(drawn.order.subarray(position, end), done);
      flips.set(drawn.flips.subarray(position, end), done);
      crops.set(drawn.crops.subarray(position, end), done);
      done += end - position;
      position = end;
      if (position === size) {
        epoch++;
        position = 0;
      }
    }
    return { indices, flips, crops, epoch: first, after: { epoch, position } };
  };
}

interface Epoch {
  readonly epoch: number;
  readonly order: Int32Array;
  readonly flips: Uint8Array;
  readonly crops: Int32Array;
}

function drawEpoch(epoch: number, { size, seed, shuffle, flip, crops = 1 }: BatchPlanOptions): Epoch {
  const g = createGenerator(seed);
  const order = shuffle ? permutation(stream(g, `order/${epoch}`), size) : range(0, size);
  const halves = flip ? bernoulli(stream(g, `flip/${epoch}`), new Float32Array(size).fill(0.5)) : new Uint8Array(size);
  const chosen = crops > 1 ? randomIntegers(stream(g, `crop/${epoch}`), size, { high: crops }) : new Int32Array(size);
  return { epoch, order, flips: halves, crops: chosen };
}
