import { type ImageDataset, subset } from '@learngene/datasets';
import {
  datasetSource,
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  type ImageSource,
  type MetricName,
  type ReferenceStatistics,
} from '@learngene/metrics';
import { openSamples, readStatistics, referenceContent } from '@learngene/metrics/node';
import { ConfigError, type Progress } from '@learngene/pipeline';
import { checkGiven } from '../check-given';
import { type DataPart, decodeData, partOf } from '../data/decode-data';
import { drawSamples, type SampleSet } from './draw-samples';
import { classAccuracy, type InDomainExtractor, openClassifier, trainExtractor } from './in-domain-extractor';
import { mapLabels } from './map-labels';
import { noiseSource } from './noise-baseline';
import { precisionWarnings, tooFewForPrecision } from './precision-marks';
import { nothingHeldOut, type PreparedEvaluation } from './prepare-evaluation';

/** The options of {@link runEvaluation}. */
export interface RunEvaluationOptions {
  /** Samples to draw, where a model draws them. */
  count: number;
  /** The program whose conventions apply where programs differ. */
  convention: EvaluateOptions['convention'];
  /** Training steps of a new classifier. */
  classifierSteps: number;
  /** How a message calls a part of the request (default: by its name). */
  label?: (part: string) => string;
  /** Receives messages and progress bars. */
  progress: Progress;
  /** Stops the work between two steps. */
  signal: AbortSignal;
}

/** Result of {@link runEvaluation}: the scores, and figures to compare them with. */
export interface EvaluationResult extends Evaluation {
  /** FID of noise in the place of the samples, where FID is wanted. */
  noiseFid?: number;
  /** Precision and recall of noise in their place, where they are wanted. */
  noisePrecisionRecall?: Evaluation['precisionRecall'];
  /** Precision and recall of training images in their place, as many as there are samples, where they are at hand. */
  trainingPrecisionRecall?: Evaluation['precisionRecall'];
  /** Share of samples that are taken for their class, where it can be told. */
  classAccuracy?: number;
  /** Accuracy of a new classifier on held-out images. */
  classifierAccuracy?: number;
}

/**
 * Draws or opens the samples, takes or trains the classifier, and computes the figures. Warnings are in the result.
 *
 * @throws ConfigError where too few images were held out
 */
export async function runEvaluation(
  prepared: PreparedEvaluation,
  options: RunEvaluationOptions,
): Promise<EvaluationResult> {
  checkGiven('runEvaluation', 'prepared', prepared, ['config', 'metrics', 'classifier', 'compared']);
  checkGiven('runEvaluation', 'options', options, ['count', 'classifierSteps', 'progress', 'signal']);
  const { config, view, compared } = prepared;
  const { convention, progress, signal } = options;
  const decoded = view && (await decodeData(view, config.data, progress));
  const real = decoded && partOf(decoded, compared, config).heldOut;
  if (real && real.size < 2) throw nothingHeldOut(options.label);
  const reference = real ? datasetSource(real) : await referenceOf(prepared.reference as string, prepared.metrics);
  const { metrics, left } = metricsOf(prepared, { count: options.count, reference });
  const samples = await samplesOf(prepared, options);
  const { images } = samples;
  const own = await extractorOf(prepared, decoded && partOf(decoded, decoded.classes, config), options);
  try {
    const { extractor } = own;
    const shared = { extractor, reference, convention, signal };
    const reals = 'count' in reference ? reference.count : images.count;
    // KID draws subsets of 1000; of fewer images it takes all.
    const kid = { subsetSize: Math.min(1000, images.count, reals) };
    const bar = progress.startBar('Scoring', 1, 'images');
    const result = await evaluate({ ...shared, samples: images, metrics, kid });
    bar.stop();
    const marked = metrics.filter((metric) => metric === 'fid' || metric === 'precision-recall');
    const noise =
      marked.length === 0
        ? undefined
        : await evaluate({ ...shared, samples: noiseSource(images, config.seed), metrics: marked });
    const known = decoded && partOf(decoded, compared, config).train;
    const training = noise?.precisionRecall && known && (await trainingMark(known, { ...shared, samples: images }));
    const marks = noise?.precisionRecall && { noise: noise.precisionRecall, ...(training && { training }) };
    const warnings = marks === undefined ? left : precisionWarnings(marks, { samples: images.count, reals });
    const accuracy = await accuracyOf(own, samples, progress);
    return {
      ...result,
      warnings: [...result.warnings, ...warnings],
      noiseFid: noise?.fid,
      noisePrecisionRecall: noise?.precisionRecall,
      trainingPrecisionRecall: training,
      classAccuracy: accuracy,
      classifierAccuracy: own.accuracy,
    };
  } finally {
    own.dispose();
  }
}

/** Precision and recall of training images in the place of the samples, spread evenly; undefined where there are too few. */
async function trainingMark(train: ImageDataset, shared: EvaluateOptions): Promise<Evaluation['precisionRecall']> {
  const count = Math.min(train.size, shared.samples.count);
  if (tooFewForPrecision({ samples: count, reals: count }) !== undefined) return undefined;
  const spread = Array.from({ length: count }, (_, i) => Math.floor((i * train.size) / count));
  const samples = datasetSource(subset(train, spread));
  return (await evaluate({ ...shared, samples, metrics: ['precision-recall'] })).precisionRecall;
}

/** The metrics that can be had of so many images, and a sentence on one that is left out. */
function metricsOf(
  { metrics, samples }: PreparedEvaluation,
  { count, reference }: { count: number; reference: ImageSource | ReferenceStatistics },
): { metrics: readonly MetricName[]; left: string[] } {
  if (!metrics.includes('precision-recall') || !('count' in reference)) return { metrics, left: [] };
  const why = tooFewForPrecision({ samples: samples?.count ?? count, reals: reference.count });
  if (why === undefined) return { metrics, left: [] };
  const rest = metrics.filter((metric) => metric !== 'precision-recall');
  if (rest.length === 0) throw new ConfigError(`metrics: ${why}`, { argument: 'metrics' });
  return { metrics: rest, left: [why] };
}

async function samplesOf(
  { config, drawing, samples }: PreparedEvaluation,
  { count, progress, signal }: RunEvaluationOptions,
): Promise<SampleSet> {
  if (samples !== undefined) {
    return { images: await openSamples(samples.path), labels: samples.labels, names: samples.classes };
  }
  if (drawing === undefined) throw new ConfigError('evaluate: expected a model or a file of samples, got none');
  return drawSamples(config, drawing, { count, progress, signal });
}

async function extractorOf(
  { config, classifier }: PreparedEvaluation,
  part: DataPart | undefined,
  { classifierSteps: steps, label = (name) => name, progress, signal }: RunEvaluationOptions,
): Promise<InDomainExtractor> {
  const { path } = classifier;
  if (path !== undefined && classifier.description !== undefined) {
    progress.info(`Features by ${path}`);
    return openClassifier(path);
  }
  if (part === undefined) {
    throw new ConfigError(`evaluate: without data, give ${label('classifier')} with a trained classifier`);
  }
  const trained = await trainExtractor({ ...part, steps, seed: config.seed, path, progress, signal });
  const accuracy = trained.accuracy === undefined ? '' : `, accuracy ${trained.accuracy.toFixed(3)} on held-out images`;
  progress.info(`Features by a new classifier${accuracy}`);
  if (path !== undefined) progress.info(`Wrote ${path}; later evaluations take it as it is`);
  return trained;
}

/** The share of samples that are taken for their class; where it cannot be told, a line says why. */
async function accuracyOf(
  { extractor, classes }: InDomainExtractor,
  { images, ...named }: SampleSet,
  progress: Progress,
): Promise<number | undefined> {
  const mapped = mapLabels(named, classes);
  if ('labels' in mapped) return classAccuracy(extractor, images, mapped.labels);
  const why = `the class accuracy is left out: ${mapped.why}`;
  if (named.labels === undefined) progress.info(why);
  else progress.warn(why);
  return undefined;
}

/** Real images, or their statistics where a file has them and the metrics need no more. */
async function referenceOf(path: string, metrics: readonly MetricName[]): Promise<ImageSource | ReferenceStatistics> {
  const { images, statistics } = await referenceContent(path);
  const needsImages = metrics.some((metric) => metric === 'kid' || metric === 'precision-recall');
  return statistics && !(images && needsImages) ? readStatistics(path) : openSamples(path);
}
