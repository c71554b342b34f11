import { checkFinite } from './check';
import type { ImageSource } from './image-source';
import { createMoments, type Moments, updateMoments } from './moments';
import { createTurns } from './turn';
import type { FeatureExtractor, FeatureSet } from './types';

/** Which outputs are collected. */
export interface CollectOptions {
  /** Images a call of the extractor. */
  readonly batchSize: number;
  /** Keep all features (KID, precision and recall). */
  readonly features: boolean;
  /** Keep the moments of the features (FID). */
  readonly moments: boolean;
  /** Keep the moments of the spatial features (sFID). */
  readonly spatialMoments: boolean;
  /** Keep all logits (Inception Score). */
  readonly logits: boolean;
  /** Called after every batch with the images done. */
  readonly onBatch: (done: number) => void;
  /** Ends the work; the promise rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** What was collected over a source. */
export interface Collected {
  /** All features. */
  readonly features?: FeatureSet;
  /** Moments of the features. */
  readonly moments?: Moments;
  /** Moments of the spatial features. */
  readonly spatialMoments?: Moments;
  /** All logits. */
  readonly logits?: FeatureSet;
}

/** Runs an extractor over a source, batch by batch. `name` is the source's name in errors. */
export async function collect(
  name: string,
  { extractor, source }: { readonly extractor: FeatureExtractor; readonly source: ImageSource },
  options: CollectOptions,
): Promise<Collected> {
  const { dims, spatialDims = 0, classes = 0 } = extractor;
  const features = options.features ? new Float32Array(source.count * dims) : undefined;
  const logits = options.logits ? new Float32Array(source.count * classes) : undefined;
  const moments = options.moments ? createMoments(dims) : undefined;
  const spatialMoments = options.spatialMoments ? createMoments(spatialDims) : undefined;
  const turn = createTurns();
  for (let start = 0; start < source.count; start += options.batchSize) {
    await turn();
    options.signal?.throwIfAborted();
    const end = Math.min(source.count, start + options.batchSize);
    const images = await source.read(start, end);
    if (images.count !== end - start)
      throw new RangeError(`${name}: expected ${end - start} images, got ${images.count}`);
    const found = await extractor.extract(images);
    const output = (key: 'features' | 'spatial' | 'logits', size: number) =>
      checkOutput(
        `${name}: ${key} of ${extractor.name} for images ${start}-${end - 1}`,
        found[key],
        images.count,
        size,
      );
    if (features || moments) {
      const values = output('features', dims);
      features?.set(values, start * dims);
      if (moments) updateMoments(moments, values);
    }
    if (spatialMoments) updateMoments(spatialMoments, output('spatial', spatialDims));
    logits?.set(output('logits', classes), start * classes);
    options.onBatch(end);
  }
  const { count } = source;
  return {
    moments,
    spatialMoments,
    features: features && { data: features, count, dims },
    logits: logits && { data: logits, count, dims: classes },
  };
}

function checkOutput(name: string, values: Float32Array | undefined, count: number, dims: number): Float32Array {
  if (values?.length !== count * dims) {
    throw new RangeError(
      `${name}: expected [${count}, ${dims}] = ${count * dims} values, got ${values?.length ?? 'none'}`,
    );
  }
  checkFinite(name, values, dims);
  return values;
}
