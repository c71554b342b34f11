import type { ImageDataset } from '@learngene/datasets';
import { datasetSource, evaluate, type FeatureExtractor, imageSource } from '@learngene/metrics';
import type { Images } from '@learngene/report';
import { noiseSource } from '@learngene/trainer';
import { classAccuracy } from '@learngene/trainer/node';

/** How samples compare with real pictures that were not trained on. */
export interface Score {
  samples: number;
  reals: number;
  fid: number;
  noiseFid: number;
  precision: number;
  recall: number;
  classAccuracy: number;
  warnings: readonly string[];
}

/** Scores samples against held-out real pictures; `classes` are the classifier's ids of the samples. */
export async function score(
  extractor: FeatureExtractor,
  {
    pictures,
    classes,
    heldOut,
    seed,
  }: { pictures: Images; classes: ArrayLike<number>; heldOut: ImageDataset; seed: number },
): Promise<Score> {
  const reference = datasetSource(heldOut);
  const samples = imageSource(pictures);
  const result = await evaluate({ extractor, reference, samples, metrics: ['fid', 'precision-recall'] });
  const noise = await evaluate({
    extractor,
    reference,
    samples: noiseSource(imageSource(pictures), seed),
    metrics: ['fid'],
  });
  return {
    samples: pictures.count,
    reals: heldOut.size,
    fid: result.fid as number,
    noiseFid: noise.fid as number,
    precision: result.precisionRecall?.precision ?? Number.NaN,
    recall: result.precisionRecall?.recall ?? Number.NaN,
    classAccuracy: await classAccuracy(extractor, imageSource(pictures), classes),
    warnings: result.warnings,
  };
}
