import type { Generator } from '@learngene/random';
import { type BatchPlan, batchPlanner, type Cursor, type Remainder } from './batch-plan';
import { checkInteger } from './check';
import { flipHorizontal } from './flip';
import type { ImageDataset } from './types';

/** Settings of {@link createBatches}. */
export interface BatchOptions {
  /** Images of a batch, 1 or more. */
  readonly batchSize: number;
  /**
   * Seed of order and flips. It may be left out where a generator or a state is given, or where neither shuffling nor
   * flips are on.
   */
  readonly seed?: number;
  /** A generator whose seed is taken instead; nothing is drawn from it. */
  readonly generator?: Generator;
  /** A new order every epoch (default true). */
  readonly shuffle?: boolean;
  /** Mirrors every image left to right with probability 1/2 (default false). */
  readonly flip?: boolean;
  /**
   * What happens at the end of an epoch. `'carry'` (default) fills the batch from the next epoch, `'short'` gives a
   * shorter batch, `'drop'` leaves the last samples out.
   */
  readonly remainder?: Remainder;
  /** Sorts every batch by label, and keeps the order within a class (default false). */
  readonly groupByClass?: boolean;
  /** Batches that are read ahead, at most 1024 (default 1). */
  readonly prefetch?: number;
  /** Where to continue: what `state()` returned, for the same dataset and settings. */
  readonly state?: BatchState;
  /** Stops everything: `next` rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The position in the sequence of samples; plain data for JSON. */
export interface BatchState extends Cursor {
  /** The version of this format. */
  readonly kind: 'batches/1';
  /** The seed of order and flips. */
  readonly seed: number;
  /** Images of the dataset. */
  readonly size: number;
  /** A hash of the dataset's labels, which detects a dataset that changed. */
  readonly labelsHash: number;
}

/** Images to train on. The caller owns all arrays. */
export interface Batch {
  /** uint8 [n, H, W, C]. */
  readonly images: Uint8Array;
  /** The label of every image, [n]. */
  readonly labels: Int32Array;
  /** The index of every image in the dataset, [n]. */
  readonly indices: Int32Array;
  /** The epoch that the first image of the batch is of. */
  readonly epoch: number;
}

/** An endless sequence of batches. */
export interface Batches {
  /**
   * Reads the next batch. Where it cannot be read, the promise rejects and the position stays; another call tries
   * again.
   */
  next(): Promise<Batch>;
  /** The position after the last batch that `next` returned. */
  state(): BatchState;
  /** Stops reading ahead; `next` then rejects. */
  close(): void;
}

/** Latents to train on. The caller owns all arrays. */
export interface LatentBatch extends Omit<Batch, 'images'> {
  /** float32 [n, h, w, c]; with deviations [n, h, w, 2c], the means before them. */
  readonly latents: Float32Array;
}

/** An endless sequence of batches of latents. */
export interface LatentBatches extends Omit<Batches, 'next'> {
  /** As {@link Batches.next}. */
  next(): Promise<LatentBatch>;
}

interface Sequence<T> extends Omit<Batches, 'next'> {
  next(): Promise<Omit<Batch, 'images'> & { readonly rows: T }>;
}

interface Ahead<T> extends BatchPlan {
  readonly rows: Promise<T>;
}

/** Reads the rows of a batch, as its plan says. */
type ReadRows<T> = (plan: Pick<BatchPlan, 'indices' | 'flips' | 'crops'>) => Promise<T>;

/**
 * Reads a dataset in batches without end. Every epoch holds every image once. Order and flips depend only on the seed
 * and the epoch. Batches that continue from a saved state are therefore bit for bit those of an uninterrupted run,
 * whatever was read ahead.
 *
 * @throws RangeError for bad options, a missing seed, an empty dataset
 * @throws TypeError where `state` is no state, or belongs to another seed or dataset
 */
export function createBatches(dataset: ImageDataset, options: BatchOptions): Batches {
  const { next, ...rest } = sequence(dataset, options, async ({ indices, flips }) => {
    const images = await dataset.read(indices);
    for (let i = 0; i < flips.length; i++) if (flips[i]) flipHorizontal(images, i, dataset);
    return images;
  });
  return {
    ...rest,
    async next() {
      const { rows: images, ...batch } = await next();
      return { images, ...batch };
    },
  };
}

/**
 * Reads the latents of a dataset in batches without end, as {@link createBatches} reads images: with the same seed, the same
 * order and flips. Every epoch draws one of an image's crops.
 *
 * @throws RangeError as {@link createBatches}, for a dataset without latents, and for `flip` where mirrored images have none
 */
export function createLatentBatches(dataset: ImageDataset, options: BatchOptions): LatentBatches {
  const { latents, name } = dataset;
  if (latents === undefined) throw new RangeError(`dataset: expected latents of the images of ${name}, got none`);
  if (options.flip && !latents.mirrored) {
    throw new RangeError(`flip: expected latents of mirrored images in ${name}, got none`);
  }
  const read: ReadRows<Float32Array> = ({ indices, ...views }) => latents.read(indices, views);
  const { next, ...rest } = sequence(dataset, options, read, latents.crops);
  return {
    ...rest,
    async next() {
      const { rows, ...batch } = await next();
      return { latents: rows, ...batch };
    },
  };
}

/** The batches of rows that a function reads. */
function sequence<T>(dataset: ImageDataset, options: BatchOptions, read: ReadRows<T>, crops = 1): Sequence<T> {
  const { batchSize, shuffle = true, flip = false, remainder = 'carry', prefetch = 1, groupByClass = false } = options;
  const { signal, state } = options;
  const { size } = dataset;
  if (size === 0) throw new RangeError(`dataset: expected images in ${dataset.name}, got none`);
  if (!['carry', 'short', 'drop'].includes(remainder)) {
    throw new RangeError(`remainder: expected 'carry', 'short' or 'drop', got '${remainder}'`);
  }
  checkInteger('batchSize', batchSize, 1, remainder === 'drop' ? size : 2 ** 31 - 1);
  checkInteger('prefetch', prefetch, 0, 1024);
  const labelsHash = hashLabels(dataset.labels);
  const seed = options.seed ?? options.generator?.seed ?? state?.seed ?? (shuffle || flip ? undefined : 0);
  if (seed === undefined) throw new RangeError('seed: expected a seed or a generator, got none');
  checkInteger('seed', seed, Number.MIN_SAFE_INTEGER);
  if (state) checkState(state, { seed, size, labelsHash });
  const plan = batchPlanner({ size, batchSize, seed, shuffle, flip, remainder, crops });

  let place: Cursor = state ?? { epoch: 0, position: 0 };
  let ahead: Ahead<T>[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  let closed = false;

  const readAhead = (count: number) => {
    while (ahead.length < count) {
      const planned = plan(ahead.at(-1)?.after ?? place);
      const ordered = groupByClass ? sortByLabel(planned, dataset.labels) : planned;
      const rows = read(ordered);
      rows.catch(() => {}); // reported when its turn comes
      ahead.push({ ...planned, ...ordered, rows });
    }
  };

  const deliver = async () => {
    signal?.throwIfAborted();
    if (closed) throw new Error('batches: expected open batches, got closed ones');
    readAhead(1);
    const { indices, epoch, after, rows: pending } = ahead[0];
    try {
      const rows = await orAbort(pending, signal);
      ahead.shift();
      place = after;
      if (!closed) readAhead(prefetch);
      return { rows, labels: indices.map((index) => dataset.labels[index]), indices, epoch };
    } catch (error) {
      ahead = [];
      throw error;
    }
  };

  return {
    next() {
      const batch = turn.then(deliver);
      turn = batch.catch(() => {});
      return batch;
    },
    state: () => ({ kind: 'batches/1', seed, size, labelsHash, epoch: place.epoch, position: place.position }),
    close() {
      closed = true;
      ahead = [];
    },
  };
}

function checkState(state: BatchState, own: Pick<BatchState, 'seed' | 'size' | 'labelsHash'>): void {
  const fail = (field: string, expected: unknown, got: unknown): never => {
    throw new TypeError(`state.${field}: expected ${expected}, got ${JSON.stringify(got)}`);
  };
  if (state.kind !== 'batches/1') fail('kind', '"batches/1"', state.kind);
  if (state.seed !== own.seed) fail('seed', own.seed, state.seed);
  if (state.size !== own.size) fail('size', `${own.size} images as the dataset has`, state.size);
  if (state.labelsHash !== own.labelsHash)
    fail('labelsHash', `${own.labelsHash} (the dataset's labels)`, state.labelsHash);
  if (!Number.isSafeInteger(state.epoch) || state.epoch < 0) fail('epoch', 'an integer of at least 0', state.epoch);
  const { position } = state;
  if (!Number.isInteger(position) || position < 0 || position >= own.size) {
    fail('position', `an integer from 0 to ${own.size - 1}`, position);
  }
}

/** Sorts a batch by label; samples with equal labels stay in their order. */
function sortByLabel(
  { indices, flips, crops }: BatchPlan,
  labels: Int32Array,
): Pick<BatchPlan, 'indices' | 'flips' | 'crops'> {
  const order = Array.from(indices.keys()).sort((a, b) => labels[indices[a]] - labels[indices[b]]);
  return {
    indices: Int32Array.from(order, (i) => indices[i]),
    flips: Uint8Array.from(order, (i) => flips[i]),
    crops: Int32Array.from(order, (i) => crops[i]),
  };
}

/** FNV-1a over the labels. */
function hashLabels(labels: Int32Array): number {
  let hash = 0x811c9dc5;
  for (const label of labels) hash = Math.imul(hash ^ label, 0x01000193);
  return hash >>> 0;
}

async function orAbort<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
