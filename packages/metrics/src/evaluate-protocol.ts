import { checkNames } from './check';
import { type EvaluateProgress, type Evaluation, evaluate, type MetricName } from './evaluate';
import type { ImageSource } from './image-source';
import { checkProtocol, PROTOCOLS, type Protocol } from './protocols';
import { partsOf, type StatisticsWithImages } from './reference';
import type { FeatureExtractor } from './types';

/** Options of {@link evaluateProtocol}. */
export interface EvaluateProtocolOptions {
  /** The program whose figures are to be had. */
  readonly protocol: Protocol;
  /** Inception with that protocol's resize, see `inceptionExtractor`; not disposed. */
  readonly extractor: FeatureExtractor;
  /** Generated images. */
  readonly samples: ImageSource;
  /** Real images, or their statistics, or both; statistics come first. Not needed for the Inception Score alone. */
  readonly reference?: ImageSource | StatisticsWithImages;
  /** The metrics to compute (default: all of the protocol that can be had of these images). */
  readonly metrics?: readonly MetricName[];
  /** Images a call of the extractor (default 64). */
  readonly batchSize?: number;
  /** Called after every batch and every metric. */
  readonly onProgress?: (progress: EvaluateProgress) => void;
  /** Stops between two batches or metrics; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What is there to compute metrics of. */
export interface ProtocolInputs {
  /** Generated images. */
  readonly samples: number;
  /** The real images, their statistics, or both. */
  readonly reference?: {
    /** Images. */
    readonly images?: number;
    /** What is stored of them. */
    readonly stored?: {
      /** Whether there are mu and sigma of the features. */
      readonly features: boolean;
      /** Whether there are mu and sigma of the spatial features. */
      readonly spatial: boolean;
      /** Images whose features are there. */
      readonly vectors?: number;
    };
  };
}

const NAMES = ['protocol', 'extractor', 'samples', 'reference', 'metrics', 'batchSize', 'onProgress', 'signal'];
/** Vectors of a subset of KID. */
const KID_SUBSET = 1000;
/** Splits of torch-fidelity's Inception Score. */
const SPLITS = 10;

/**
 * Why a metric cannot be had under a protocol; undefined where it can.
 */
export function protocolLack(protocol: Protocol, metric: MetricName, inputs: ProtocolInputs): string | undefined {
  checkProtocol(protocol);
  const rules = PROTOCOLS[protocol];
  const { samples, reference } = inputs;
  const { images, stored } = reference ?? {};
  if (!rules.metrics.includes(metric)) return `${protocol} does not compute ${metric}`;
  if (metric === 'inception-score') {
    if (rules.convention !== 'torch-fidelity' || samples >= SPLITS) return undefined;
    return `inception-score: ${protocol} makes ${SPLITS} splits, and there are ${samples} samples`;
  }
  if (samples < 2) return `${metric} needs at least 2 samples, and there is ${samples}`;
  if (reference === undefined) return `${metric} needs a reference`;
  if (metric === 'fid' || metric === 'sfid') {
    if (metric === 'fid' ? stored?.features : stored?.spatial) return undefined;
    if (images === undefined) return `${metric}: the reference has statistics of other features only`;
    return images >= 2 ? undefined : `${metric} needs at least 2 images of the reference, and there is ${images}`;
  }
  const reals = stored?.vectors ?? images;
  if (reals === undefined)
    return `${metric} needs the features of every real image, and the reference has mu and sigma alone`;
  const least = metric === 'kid' ? (rules.kidSubset === 'fixed' ? KID_SUBSET : 2) : 4;
  if (Math.min(samples, reals) >= least) return undefined;
  return `${metric}: ${protocol} needs at least ${least} images of both sets, and there are ${samples} samples and ${reals} of the reference`;
}

/**
 * The figures of a program: its metrics, resize, splits and subsets. Where `metrics` is not given, a metric that cannot be had of
 * these images is left out, and a warning says why.
 *
 * @throws RangeError where a metric that was asked for cannot be had, and as `evaluate`.
 */
export async function evaluateProtocol(options: EvaluateProtocolOptions): Promise<Evaluation> {
  checkNames('evaluateProtocol', options, NAMES);
  const { protocol, metrics, samples, reference, ...rest } = options;
  checkProtocol(protocol);
  const rules = PROTOCOLS[protocol];
  const parts = partsOf(reference);
  const inputs = { samples: samples.count, reference: reference && describeReference(parts) };
  const lacks = new Map((metrics ?? rules.metrics).map((metric) => [metric, protocolLack(protocol, metric, inputs)]));
  const left = [...lacks.values()].filter((why) => why !== undefined);
  const kept = [...lacks.keys()].filter((metric) => lacks.get(metric) === undefined);
  if (metrics !== undefined ? left.length > 0 : kept.length === 0) throw new RangeError(`metrics: ${left.join('; ')}`);
  const reals = parts.vectors?.count ?? parts.images?.count ?? samples.count;
  const subsetSize = rules.kidSubset === 'at-most' ? Math.min(KID_SUBSET, samples.count, reals) : KID_SUBSET;
  const found = await evaluate({
    ...rest,
    samples,
    reference,
    metrics: kept,
    convention: rules.convention,
    kid: { subsetSize },
  });
  return { ...found, warnings: [...left.map((why) => `left out: ${why}`), ...found.warnings] };
}

/** What a reference has, as {@link protocolLack} takes it. */
export function describeReference(parts: StatisticsWithImages): NonNullable<ProtocolInputs['reference']> {
  const { images, features, spatial, vectors } = parts;
  const stored = { features: features !== undefined, spatial: spatial !== undefined, vectors: vectors?.count };
  return { images: images?.count, stored };
}
