import { type Batch, createBatches } from './batches';
import type { ImageDataset } from './types';

/** Settings of {@link readInOrder}. */
export interface InOrderOptions {
  /** Images of a batch, 1 or more; the last one may be short. */
  readonly batchSize: number;
  /** Batches that are read ahead (default 1). */
  readonly prefetch?: number;
  /** Stops reading: the loop throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Goes through a dataset once, in its own order: `for await (const { images, labels } of readInOrder(...))`.
 *
 * @throws RangeError for bad options
 */
export async function* readInOrder(dataset: ImageDataset, options: InOrderOptions): AsyncGenerator<Batch, void, void> {
  if (dataset.size === 0) return;
  const batches = createBatches(dataset, { ...options, shuffle: false, remainder: 'short' });
  try {
    while (batches.state().epoch === 0) yield await batches.next();
  } finally {
    batches.close();
  }
}
