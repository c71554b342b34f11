import { checkConvention, checkInteger, checkNames } from './check';
import { type Collected, collect } from './collect';
import { checkWanted, rankWarnings } from './evaluate-checks';
import { frechetDistance } from './frechet-distance';
import type { ImageSource } from './image-source';
import { type InceptionScoreOptions, inceptionScore, SCORE_OPTIONS } from './inception-score';
import { KERNEL_OPTIONS, type KernelDistanceOptions, kernelDistance } from './kernel-distance';
import {
  NEIGHBOR_OPTIONS,
  type PrecisionRecall,
  type PrecisionRecallOptions,
  precisionRecall,
} from './precision-recall';
import { partsOf, referenceCountOf, type StatisticsWithImages, statisticsOf } from './reference';
import type { ReferenceStatistics } from './statistics';
import { createTurns } from './turn';
import type { Convention, FeatureExtractor, ScoreSpread } from './types';

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
  /** Real images, or their statistics, or both; statistics come first. Not needed for the Inception Score alone. */
  readonly reference?: ImageSource | StatisticsWithImages;
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
  const stored = partsOf(reference);
  if (stored.images) checkInteger('reference.count', stored.images.count, 0);
  checkInteger('extractor.dims', extractor.dims, 1);
  checkInteger('extractor.spatialDims', extractor.spatialDims ?? 0, 0);
  checkInteger('extractor.classes', extractor.classes ?? 0, 0);
  const wanted = new Set(metrics);
  checkWanted(options, wanted);
  const vectors = wanted.has('kid') || wanted.has('precision-recall');
  const needs = {
    batchSize,
    features: vectors,
    moments: wanted.has('fid'),
    spatialMoments: wanted.has('sfid'),
    signal,
  };
  const lacks = {
    features: needs.features && !stored.vectors,
    moments: needs.moments && !stored.features,
    spatialMoments: needs.spatialMoments && !stored.spatial,
  };
  const report = (phase: EvaluateProgress['phase'], total: number) => (done: number) =>
    options.onProgress?.({ phase, done, total });
  const { images } = stored;
  const reads = images !== undefined && Object.values(lacks).some((lacking) => lacking);
  const real = reads
    ? await collect(
        'reference',
        { extractor, source: images },
        { ...needs, ...lacks, logits: false, onBatch: report('reference', images.count) },
      )
    : {};
  const fake = await collect(
    'samples',
    { extractor, source: samples },
    { ...needs, logits: wanted.has('inception-score'), onBatch: report('samples', samples.count) },
  );
  const measured = statisticsOf(real);
  const known = {
    features: stored.features ?? measured.features,
    spatial: stored.spatial ?? measured.spatial,
    vectors: stored.vectors ?? real.features,
  };
  const figures = await computeFigures(options, { known, fake, onFigure: report('metrics', wanted.size) });
  const referenceCount = referenceCountOf(stored, wanted);
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
  readonly fake: Collected;
  readonly onFigure: (done: number) => void;
}

/** Computes one metric after the other. `checkWanted` has made sure that their inputs are there. */
async function computeFigures(options: EvaluateOptions, { known, fake, onFigure }: Gathered): Promise<Figures> {
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
        figures.kid = kernelDistance(given(fake.features), given(known.vectors), options.kid);
        break;
      case 'precision-recall':
        figures.precisionRecall = precisionRecall(given(fake.features), given(known.vectors), options.precisionRecall);
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
