import type { ImageDataset } from '@learngene/datasets';
import { datasetSource, evaluate, type FeatureExtractor, imageSource } from '@learngene/metrics';
import type { Images } from '@learngene/report';
import { classAccuracy } from '../evaluate/in-domain-extractor';
import { noiseSource } from '../evaluate/noise-baseline';

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
  /** What makes the figures rough. */
  warnings: readonly string[];
}

/** The options of {@link score}. */
export interface ScoreOptions {
  /** The samples. */
  images: Images;
  /** The class of each sample, by its number in the classifier. */
  classes: ArrayLike<number>;
  /** Real images that were not trained on. */
  heldOut: ImageDataset;
  /** Seed of the noise. */
  seed: number;
}

/** Scores samples against held-out real images, by the features of a classifier. */
export async function score(
  extractor: FeatureExtractor,
  { images, classes, heldOut, seed }: ScoreOptions,
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
  return {
    samples: images.count,
    reals: heldOut.size,
    fid: result.fid as number,
    noiseFid: noise.fid as number,
    precision: result.precisionRecall?.precision ?? Number.NaN,
    recall: result.precisionRecall?.recall ?? Number.NaN,
    classAccuracy: await classAccuracy(extractor, imageSource(images), classes),
    warnings: result.warnings,
  };
}
