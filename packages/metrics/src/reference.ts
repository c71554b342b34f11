import { checkInteger, checkNames } from './check';
import { type Collected, collect } from './collect';
import type { ImageSource } from './image-source';
import { finishMoments } from './moments';
import type { ReferenceStatistics } from './statistics';
import type { FeatureExtractor } from './types';

/** Statistics of real images, and the images for what the statistics lack. */
export interface StatisticsWithImages extends ReferenceStatistics {
  /** The images. They are read only where a metric needs what the statistics lack. */
  readonly images?: ImageSource;
}

/** Whether a reference is images alone. */
export function isSource(reference: ImageSource | StatisticsWithImages | undefined): reference is ImageSource {
  return reference !== undefined && 'read' in reference;
}

/** A reference in one form. */
export function partsOf(reference: ImageSource | StatisticsWithImages | undefined): StatisticsWithImages {
  return isSource(reference) ? { images: reference } : (reference ?? {});
}

/** How many real images the figures are of, where it is known: those of statistics come first. */
export function referenceCountOf(
  { images, features, spatial, vectors }: StatisticsWithImages,
  wanted: ReadonlySet<string>,
): number | undefined {
  const stored = (wanted.has('fid') && features) || (wanted.has('sfid') && spatial);
  return stored ? stored.count : (vectors?.count ?? images?.count);
}

/** The statistics that were collected. */
export function statisticsOf({ moments, spatialMoments }: Collected): ReferenceStatistics {
  return {
    ...(moments && { features: finishMoments(moments) }),
    ...(spatialMoments && { spatial: finishMoments(spatialMoments) }),
  };
}

/** Options of {@link measureReference}. */
export interface MeasureReferenceOptions {
  /** Network whose features are taken; not disposed. */
  readonly extractor: FeatureExtractor;
  /** Real images. */
  readonly images: ImageSource;
  /** Whether the features of every image are kept, as KID, precision and recall need them (default true). */
  readonly vectors?: boolean;
  /** Images a call of the extractor (default 64). */
  readonly batchSize?: number;
  /** Called after every batch with the images done. */
  readonly onProgress?: (done: number) => void;
  /** Stops between two batches; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * The statistics of real images that every metric can be computed from: mean and covariance of the features and, where the
 * extractor has them, of the spatial features; and the features themselves, float32, `4 * dims` bytes an image.
 *
 * @throws RangeError for fewer than 2 images, or features that are not finite
 */
export async function measureReference(options: MeasureReferenceOptions): Promise<ReferenceStatistics> {
  checkNames('measureReference', options, ['extractor', 'images', 'vectors', 'batchSize', 'onProgress', 'signal']);
  const { extractor, images, vectors = true, batchSize = 64, onProgress, signal } = options;
  checkInteger('batchSize', batchSize, 1);
  checkInteger('images.count', images.count, 2);
  const found = await collect(
    'images',
    { extractor, source: images },
    {
      batchSize,
      features: vectors,
      moments: true,
      spatialMoments: (extractor.spatialDims ?? 0) > 0,
      logits: false,
      onBatch: (done) => onProgress?.(done),
      signal,
    },
  );
  return { ...statisticsOf(found), ...(found.features && { vectors: found.features }) };
}
