import type { ImageDataset } from '@learngene/datasets';
import { datasetSource, evaluate, type FeatureExtractor, imageSource } from '@learngene/metrics';
import type { Images } from '@learngene/report';
import { classAccuracy } from '../evaluate/in-domain-extractor';
import { noiseSource } from '../evaluate/noise-baseline';
import { featuresOf, nearestOf, shareBelowMedian } from './nearest';

/** How samples compare with real images that were not trained on. */
export interface Score {
  /** How many samples were scored. */
  samples: number;
  /** How many real images they were compared with. */
  reals: number;
  /** Fréchet distance of the samples' features to the reals'. */
  fid: number;
  /** The same of noise in the place of the samples. */
  noiseFid: number;
  /** Share of samples that lie among the reals, in [0, 1]. */
  precision: number;
  /** Share of reals that lie among the samples, in [0, 1]. */
  recall: number;
  /** Share of samples that are taken for their class, in [0, 1]. */
  classAccuracy: number;
  /** Fréchet distance of the training images to the reals: what a model that repeats them would get. */
  trainFid: number;
  /**
   * Share of samples that lie nearer to a training image than the median real does, in the classifier's features; of the
   * reals it is one half.
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
  const reference = datasetSource(heldOut);
  const samples = imageSource(images);
  const result = await evaluate({ extractor, reference, samples, metrics: ['fid', 'precision-recall'] });
  const noise = await evaluate({
    extractor,
    reference,
    samples: noiseSource(imageSource(images), seed),
    metrics: ['fid'],
  });
  const trained = datasetSource(train);
  const repeated = await evaluate({ extractor, reference, samples: trained, metrics: ['fid'] });
  const known = await featuresOf(extractor, trained);
  const near = nearestOf(await featuresOf(extractor, samples), known);
  const real = nearestOf(await featuresOf(extractor, reference), known);
  const first = classes[0] ?? 0; // the classes of a part follow each other in the classifier
  const realClasses = Array.from(heldOut.labels, (label) => first + label);
  return {
    samples: images.count,
    reals: heldOut.size,
    fid: result.fid as number,
    noiseFid: noise.fid as number,
    precision: result.precisionRecall?.precision ?? Number.NaN,
    recall: result.precisionRecall?.recall ?? Number.NaN,
    classAccuracy: await classAccuracy(extractor, imageSource(images), classes),
    trainFid: repeated.fid as number,
    nearTraining: shareBelowMedian(near.distance, real.distance),
    realAccuracy: await classAccuracy(extractor, reference, realClasses),
    nearest: [...near.index],
    warnings: result.warnings,
  };
}
