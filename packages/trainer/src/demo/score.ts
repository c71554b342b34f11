import type { ImageDataset } from '@learngene/datasets';
import {
  datasetSource,
  evaluate,
  type FeatureExtractor,
  type ImageSource,
  imageSource,
  type PrecisionRecall,
} from '@learngene/metrics';
import type { Images } from '@learngene/report';
import { balanceClasses } from '../data/balance-classes';
import { classAccuracy } from '../evaluate/in-domain-extractor';
import { noiseSource } from '../evaluate/noise-baseline';
import { type PrecisionMarks, precisionWarnings, tooFewForPrecision } from '../evaluate/precision-marks';
import { kernelDistanceByClass } from './kernel-distance-by-class';
import { featuresOf, nearestOf, shareNearer } from './nearest';

/** How samples compare with real images that were not trained on. */
export interface Score {
  /** How many samples were scored. */
  samples: number;
  /** How many real images they were compared with. */
  reals: number;
  /** Fréchet distance of the samples' features to the reals', every class of which has the same weight. */
  fid: number;
  /** The same of noise in the place of the samples. */
  noiseFid: number;
  /**
   * Kernel distance of the samples to the reals of their class, mean over the classes; NaN where a class has fewer than
   * two of either. Of images like the reals it is 0 on average, however few they are.
   */
  kid: number;
  /** The same of noise in the place of the samples. */
  noiseKid: number;
  /** The same of the training images. */
  trainKid: number;
  /** Share of samples that lie among the reals, in [0, 1]; absent where there are too few images for it. */
  precision?: number;
  /** Share of reals that lie among the samples, in [0, 1]; absent where there are too few images for it. */
  recall?: number;
  /** Precision and recall of the training images and of noise in their place, by which those of the samples are read. */
  precisionMarks?: PrecisionMarks;
  /** Share of samples that are taken for their class, in [0, 1]. */
  classAccuracy: number;
  /** The same of the training images, with the same weights: what a model that repeats them would get. */
  trainFid: number;
  /**
   * Share of samples that lie nearer to a training image than the median real of their class does, in the classifier's
   * features; of the reals it is one half.
   */
  nearTraining: number;
  /** Share of the reals that are taken for their class, in [0, 1]. */
  realAccuracy: number;
  /** For each sample the index of the nearest training image, in the classifier's features. */
  nearest: readonly number[];
  /** What makes the figures rough. */
  warnings: readonly string[];
}

/** The options of {@link score}. */
export interface ScoreOptions {
  /** The samples. */
  images: Images;
  /** The class of each sample, by its number in the classifier. */
  classes: ArrayLike<number>;
  /** Real images that were trained on. */
  train: ImageDataset;
  /** Real images that were not trained on. */
  heldOut: ImageDataset;
  /** Seed of the noise. */
  seed: number;
}

/** Scores samples against held-out real images, by the features of a classifier. */
export async function score(
  extractor: FeatureExtractor,
  { images, classes, train, heldOut, seed }: ScoreOptions,
): Promise<Score> {
  const reals = datasetSource(heldOut);
  // Samples are equally many of every class; a class that has most of the reals would make up most of a distance.
  const reference = datasetSource(balanceClasses(heldOut));
  const fidOf = async (source: ImageSource) =>
    (await evaluate({ extractor, reference, samples: source, metrics: ['fid'] })).fid as number;
  const samples = imageSource(images);
  const among = await precisionOf(extractor, { samples, reals, train: datasetSource(train), seed });
  const noise = noiseSource(imageSource(images), seed);
  const first = classes[0] ?? 0; // the classes of a part follow each other in the classifier
  const [trainClasses, realClasses] = [train, heldOut].map(({ labels }) => Array.from(labels, (own) => first + own));
  const own = await featuresOf(extractor, samples);
  const known = await featuresOf(extractor, datasetSource(train));
  const held = { features: await featuresOf(extractor, reals), classes: realClasses };
  const near = nearestOf(own, known);
  const real = nearestOf(held.features, known);
  return {
    samples: images.count,
    reals: heldOut.size,
    fid: await fidOf(samples),
    noiseFid: await fidOf(noise),
    kid: kernelDistanceByClass({ features: own, classes }, held),
    noiseKid: kernelDistanceByClass({ features: await featuresOf(extractor, noise), classes }, held),
    trainKid: kernelDistanceByClass({ features: known, classes: trainClasses }, held),
    ...among.figures,
    classAccuracy: await classAccuracy(extractor, imageSource(images), classes),
    trainFid: await fidOf(datasetSource(balanceClasses(train))),
    nearTraining: shareNearer({ distance: near.distance, classes }, { distance: real.distance, classes: realClasses }),
    realAccuracy: await classAccuracy(extractor, reals, realClasses),
    nearest: [...near.index],
    warnings: among.warnings,
  };
}

/** What {@link precisionOf} compares. */
interface PrecisionSources {
  samples: ImageSource;
  reals: ImageSource;
  train: ImageSource;
  seed: number;
}

/** Precision and recall of the samples, with those of training images and noise, and what makes them say nothing. */
async function precisionOf(
  extractor: FeatureExtractor,
  { samples, reals, train, seed }: PrecisionSources,
): Promise<{ figures: Pick<Score, 'precision' | 'recall' | 'precisionMarks'>; warnings: string[] }> {
  const counts = { samples: samples.count, reals: reals.count };
  const why = tooFewForPrecision(counts);
  if (why !== undefined) return { figures: {}, warnings: [why] };
  const of = async (source: ImageSource) => {
    const found = await evaluate({ extractor, reference: reals, samples: source, metrics: ['precision-recall'] });
    return found.precisionRecall as PrecisionRecall;
  };
  const { precision, recall } = await of(samples);
  const training = tooFewForPrecision({ ...counts, samples: train.count }) === undefined ? await of(train) : undefined;
  const marks = { noise: await of(noiseSource(samples, seed)), ...(training && { training }) };
  return { figures: { precision, recall, precisionMarks: marks }, warnings: precisionWarnings(marks, counts) };
}

/** A score in a line: the distance, and how many samples are taken for their class. */
export function scoreWords({ fid, noiseFid, classAccuracy }: Score): string {
  const share = (100 * classAccuracy).toFixed(0);
  return `FID ${fid.toFixed(2)} (noise ${noiseFid.toFixed(2)}), ${share} % taken for their class`;
}
