import type { EvaluateOptions, MetricName } from './evaluate';
import { isSource, partsOf, type StatisticsWithImages } from './reference';
import type { FeatureExtractor, MomentStatistics } from './types';

/** Throws on metrics that cannot be computed, before an image is read. */
export function checkWanted({ extractor, samples, reference }: EvaluateOptions, wanted: ReadonlySet<MetricName>): void {
  const need = (condition: boolean, message: string) => {
    if (!condition) throw new RangeError(message);
  };
  need(wanted.size > 0, 'metrics: expected at least one, got none');
  need(
    !wanted.has('sfid') || (extractor.spatialDims ?? 0) > 0,
    `metrics: sfid needs spatialDims, ${extractor.name} has none`,
  );
  need(
    !wanted.has('inception-score') || (extractor.classes ?? 0) > 0,
    `metrics: inception-score needs logits, ${extractor.name} has none`,
  );
  for (const metric of wanted) {
    if (metric === 'inception-score') continue;
    need(reference !== undefined, `reference: expected images or statistics for ${metric}, got none`);
    if (isSource(reference)) {
      need(reference.count >= 2, `reference: expected at least 2 images, got ${reference.count}`);
    } else checkParts(metric, partsOf(reference), extractor);
    need(samples.count >= 2, `samples: expected at least 2 images for ${metric}, got ${samples.count}`);
  }
}

/** Throws where statistics, and the images beside them, do not serve a metric. */
function checkParts(metric: MetricName, parts: StatisticsWithImages, extractor: FeatureExtractor): void {
  const { features, spatial, vectors, images } = parts;
  const stored = { fid: features, sfid: spatial, kid: vectors, 'precision-recall': vectors, 'inception-score': true };
  if (images !== undefined && stored[metric] === undefined) {
    if (images.count < 2) throw new RangeError(`reference: expected at least 2 images, got ${images.count}`);
  } else if (metric === 'fid') checkDims('features', features, extractor.dims);
  else if (metric === 'sfid') checkDims('spatial', spatial, extractor.spatialDims ?? 0);
  else if (vectors === undefined) throw new RangeError(`reference: expected images for ${metric}, got statistics`);
  else if (vectors.dims !== extractor.dims) {
    throw new RangeError(`reference.vectors: expected features of ${extractor.dims} dims, got ${vectors.dims}`);
  }
}

function checkDims(field: string, statistics: MomentStatistics | undefined, dims: number): void {
  if (statistics?.mean.length !== dims) {
    throw new RangeError(
      `reference.${field}: expected statistics of ${dims} dims, got ${statistics?.mean.length ?? 'none'}`,
    );
  }
}

/**
 * Warns where there are too few vectors. A covariance of n vectors has rank n - 1 at most; below full rank the distance
 * is far too large.
 */
export function rankWarnings(
  wanted: ReadonlySet<MetricName>,
  counts: { readonly samples: number; readonly reference?: number },
  { dims, spatialDims = 0 }: FeatureExtractor,
): string[] {
  const warnings: string[] = [];
  for (const [metric, size] of [['fid', dims] as const, ['sfid', spatialDims] as const]) {
    if (!wanted.has(metric)) continue;
    for (const [set, count] of Object.entries(counts)) {
      if (count === undefined || count > size) continue;
      warnings.push(`${metric}: ${count} images of ${set} for ${size} dims, the covariance is rank-deficient`);
    }
  }
  return warnings;
}
