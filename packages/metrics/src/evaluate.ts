import { checkConvention, checkInteger, checkNames } from './check';
import { type Collected, collect } from './collect';
import { frechetDistance } from './frechet-distance';
import type { ImageSource } from './image-source';
import { type InceptionScoreOptions, inceptionScore, SCORE_OPTIONS } from './inception-score';
import { KERNEL_OPTIONS, type KernelDistanceOptions, kernelDistance } from './kernel-distance';
import { finishMoments } from './moments';
import {
  NEIGHBOR_OPTIONS,
  type PrecisionRecall,
  type PrecisionRecallOptions,
  precisionRecall,
} from './precision-recall';
import type { ReferenceStatistics } from './statistics';
import { createTurns } from './turn';
import type { Convention, FeatureExtractor, MomentStatistics, ScoreSpread } from './types';

/** A metric that {@link evaluate} can compute. */
export type MetricName = 'fid' | 'sfid' | 'inception-score' | 'kid' | 'precision-recall';

/** Progress of {@link evaluate}. */
export interface EvaluateProgress {
  /** What is being read, or that the metrics are being computed. */
  readonly phase: 'reference' | 'samples' | 'metrics';
  /** Images read, or metrics done. */
  readonly done: number;
  /** Images or metrics in all. */
  readonly total: number;
}

/** Options of {@link evaluate}. */
export interface EvaluateOptions {
  /** Network whose features are compared; not disposed. */
  readonly extractor: FeatureExtractor;
  /** Generated images. */
  readonly samples: ImageSource;
  /** Real images, or their statistics (enough for FID and sFID); not needed for the Inception Score alone. */
  readonly reference?: ImageSource | ReferenceStatistics;
  /** The metrics to compute (default: `['fid']`). */
  readonly metrics?: readonly MetricName[];
  /**
   * The program whose conventions apply where programs differ (default `'adm'`). They differ in the splits of the
   * Inception Score.
   */
  readonly convention?: Convention;
  /** Images a call of the extractor (default 64). */
  readonly batchSize?: number;
  /** Added to covariance diagonals, see `frechetDistance` (default 0). */
  readonly epsilon?: number;
  /** Settings of the Inception Score that override the convention. */
  readonly inceptionScore?: Omit<InceptionScoreOptions, 'convention'>;
  /** Settings of KID. */
  readonly kid?: KernelDistanceOptions;
  /** Settings of precision and recall. */
  readonly precisionRecall?: PrecisionRecallOptions;
  /** Called after every batch and every metric. */
  readonly onProgress?: (progress: EvaluateProgress) => void;
  /** Stops between two batches or metrics; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Result of {@link evaluate}; plain data. Metrics that were not asked for are absent. */
export interface Evaluation {
  /** Name of the extractor. */
  readonly extractor: string;
  /** The convention that was applied. */
  readonly convention: Convention;
  /** Generated images. */
  readonly sampleCount: number;
  /** Real images, where known. */
  readonly referenceCount?: number;
  /** Fréchet distance of the features. */
  readonly fid?: number;
  /** Fréchet distance of the spatial features. */
  readonly sfid?: number;
  /** Inception Score. */
  readonly inceptionScore?: ScoreSpread;
  /** Kernel distance. */
  readonly kid?: ScoreSpread;
  /** Precision and recall. */
  readonly precisionRecall?: PrecisionRecall;
  /** What a reader of the results should know, for instance a rank-deficient covariance; often empty. */
  readonly warnings: readonly string[];
}

/**
 * Compares generated images with real ones. Reference and samples are read once, a batch at a time. All features are
 * kept only where KID or precision and recall need them. Everything but the extractor is computed in float64 on the
 * host.
 *
 * @throws RangeError before anything is read, where the extractor or the reference cannot give what a metric needs; and
 *   on too few images or values that are not finite.
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  checkOptions(options);
  const { extractor, samples, reference, metrics = ['fid'], convention = 'adm', batchSize = 64, signal } = options;
  checkInteger('batchSize', batchSize, 1);
  checkConvention(convention);
  checkInteger('samples.count', samples.count, 0);
  if (isSource(reference)) checkInteger('reference.count', reference.count, 0);
  checkInteger('extractor.dims', extractor.dims, 1);
  checkInteger('extractor.spatialDims', extractor.spatialDims ?? 0, 0);
  checkInteger('extractor.classes', extractor.classes ?? 0, 0);
  const wanted = new Set(metrics);
  checkWanted(options, wanted);
  const needs = {
    batchSize,
    features: wanted.has('kid') || wanted.has('precision-recall'),
    moments: wanted.has('fid'),
    spatialMoments: wanted.has('sfid'),
    signal,
  };
  const report = (phase: EvaluateProgress['phase'], total: number) => (done: number) =>
    options.onProgress?.({ phase, done, total });
  const real = isSource(reference)
    ? await collect(
        'reference',
        { extractor, source: reference },
        { ...needs, logits: false, onBatch: report('reference', reference.count) },
      )
    : {};
  const fake = await collect(
    'samples',
    { extractor, source: samples },
    { ...needs, logits: wanted.has('inception-score'), onBatch: report('samples', samples.count) },
  );
  const known = isSource(reference) ? statisticsOf(real) : (reference ?? {});
  const figures = await computeFigures(options, { known, real, fake, onFigure: report('metrics', wanted.size) });
  const referenceCount = isSource(reference) ? reference.count : (reference?.features ?? reference?.spatial)?.count;
  const warnings = rankWarnings(wanted, { samples: samples.count, reference: referenceCount }, extractor);
  return {
    extractor: extractor.name,
    convention,
    sampleCount: samples.count,
    ...(referenceCount !== undefined && { referenceCount }),
    ...figures,
    warnings,
  };
}

const OPTIONS = ['extractor', 'samples', 'reference', 'metrics', 'convention', 'batchSize', 'epsilon'];
const CALLS = ['inceptionScore', 'kid', 'precisionRecall', 'onProgress', 'signal'];

/** Throws on misspelt options, before an image is read. */
function checkOptions(options: EvaluateOptions): void {
  checkNames('evaluate', options, [...OPTIONS, ...CALLS]);
  checkNames('inceptionScore', options.inceptionScore ?? {}, SCORE_OPTIONS);
  checkNames('kid', options.kid ?? {}, KERNEL_OPTIONS);
  checkNames('precisionRecall', options.precisionRecall ?? {}, NEIGHBOR_OPTIONS);
}

type Figures = Pick<Evaluation, 'fid' | 'sfid' | 'inceptionScore' | 'kid' | 'precisionRecall'>;

interface Gathered {
  readonly known: ReferenceStatistics;
  readonly real: Collected;
  readonly fake: Collected;
  readonly onFigure: (done: number) => void;
}

/** Computes one metric after the other. `checkWanted` has made sure that their inputs are there. */
async function computeFigures(options: EvaluateOptions, { known, real, fake, onFigure }: Gathered): Promise<Figures> {
  const { metrics = ['fid'], convention = 'adm', epsilon, signal } = options;
  const own = statisticsOf(fake);
  const figures: { -readonly [K in keyof Figures]: Figures[K] } = {};
  let done = 0;
  const turn = createTurns();
  for (const metric of new Set(metrics)) {
    await turn();
    signal?.throwIfAborted();
    switch (metric) {
      case 'fid':
        figures.fid = frechetDistance(given(known.features), given(own.features), { epsilon });
        break;
      case 'sfid':
        figures.sfid = frechetDistance(given(known.spatial), given(own.spatial), { epsilon });
        break;
      case 'inception-score':
        figures.inceptionScore = inceptionScore(given(fake.logits), { convention, ...options.inceptionScore });
        break;
      case 'kid':
        figures.kid = kernelDistance(given(fake.features), given(real.features), options.kid);
        break;
      case 'precision-recall':
        figures.precisionRecall = precisionRecall(given(fake.features), given(real.features), options.precisionRecall);
        break;
      default:
        throw unknownMetric(metric);
    }
    onFigure(++done);
    await new Promise((resolve) => setTimeout(resolve)); // lets the caller draw, and abort
  }
  return figures;
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('metrics: a value that the metric needs was not gathered');
  return value;
}

function unknownMetric(metric: never): RangeError {
  return new RangeError(`metrics: expected fid, sfid, inception-score, kid or precision-recall, got '${metric}'`);
}

function isSource(reference: ImageSource | ReferenceStatistics | undefined): reference is ImageSource {
  return reference !== undefined && 'read' in reference;
}

function statisticsOf({ moments, spatialMoments }: Collected): ReferenceStatistics {
  return {
    ...(moments && { features: finishMoments(moments) }),
    ...(spatialMoments && { spatial: finishMoments(spatialMoments) }),
  };
}

/** Throws on metrics that cannot be computed, before an image is read. */
function checkWanted({ extractor, samples, reference }: EvaluateOptions, wanted: ReadonlySet<MetricName>): void {
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
    if (isSource(reference))
      need(reference.count >= 2, `reference: expected at least 2 images, got ${reference.count}`);
    else if (metric === 'fid') checkDims('features', reference?.features, extractor.dims);
    else if (metric === 'sfid') checkDims('spatial', reference?.spatial, extractor.spatialDims ?? 0);
    else need(false, `reference: expected images for ${metric}, got statistics`);
    need(samples.count >= 2, `samples: expected at least 2 images for ${metric}, got ${samples.count}`);
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
function rankWarnings(
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
