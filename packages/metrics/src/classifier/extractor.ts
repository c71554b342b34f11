import * as tf from '@tensorflow/tfjs-core';
import { checkFinite, checkImages, checkInteger } from '../check';
import type { ExtractedFeatures, FeatureExtractor, ImageBatch } from '../types';
import { type ClassifierConfig, classifierSizes } from './config';
import { applyClassifier, type ClassifierParams } from './model';
import { type LabelledImages, windowTensor } from './train';

/** Settings of {@link classifierExtractor}. */
export interface ClassifierExtractorOptions {
  /** What results are labelled with (default `'classifier'`). */
  readonly name?: string;
}

/** Settings of {@link classifierAccuracy}. */
export interface ClassifierAccuracyOptions {
  /** Images and their classes. */
  readonly data: LabelledImages;
  /** Images at a time (default 256). */
  readonly batchSize?: number;
}

/**
 * A trained classifier as an in-domain feature extractor. Features are the penultimate activations; spatial features
 * are the first `spatialChannels` channels of the token map before the merge, flattened (token order, not raster);
 * logits are the class logits. The caller keeps `params`, and disposes them only after the extractor is no longer used.
 */
export function classifierExtractor(
  params: ClassifierParams,
  config: ClassifierConfig,
  { name = 'classifier' }: ClassifierExtractorOptions = {},
): FeatureExtractor {
  const spatialDims = classifierSizes(config).tokens * config.spatialChannels;
  return {
    name,
    dims: config.features,
    spatialDims,
    classes: config.classes,
    async extract(images: ImageBatch): Promise<ExtractedFeatures> {
      checkFits('images', images, config);
      const { logits, features, spatial } = tf.tidy(() => ({
        ...applyClassifier(params, windowTensor(images, config), config),
      }));
      const data = await Promise.all([features.data(), spatial.data(), logits.data()]);
      tf.dispose([logits, features, spatial]);
      const [f, s, l] = data.map((values) => Float32Array.from(values));
      return { features: f, spatial: s, logits: l };
    },
  };
}

/**
 * Share of images whose largest logit is their label, in [0, 1].
 *
 * @throws RangeError for no images, or images that do not fit `config`.
 */
export async function classifierAccuracy(
  params: ClassifierParams,
  config: ClassifierConfig,
  { data, batchSize = 256 }: ClassifierAccuracyOptions,
): Promise<number> {
  checkInteger('batchSize', batchSize, 1);
  checkInteger('data.size', data.size, 1);
  const extractor = classifierExtractor(params, config);
  let right = 0;
  for (let start = 0; start < data.size; start += batchSize) {
    const count = Math.min(batchSize, data.size - start);
    const bytes = await data.read(Array.from({ length: count }, (_, i) => start + i));
    const { height, width, channels } = data;
    const { logits } = await extractor.extract({ data: bytes, count, height, width, channels });
    const rows = logits as Float32Array;
    checkFinite('logits', rows, config.classes);
    for (let i = 0; i < count; i++) {
      const row = rows.subarray(i * config.classes, (i + 1) * config.classes);
      if (row.indexOf(Math.max(...row)) === data.labels[start + i]) right++;
    }
  }
  return right / data.size;
}

function checkFits(name: string, images: ImageBatch, { height, width, channels }: ClassifierConfig): void {
  checkImages(name, images);
  checkInteger(`${name}.count`, images.count, 1);
  if (images.height !== height || images.width !== width || images.channels !== channels) {
    const got = [images.count, images.height, images.width, images.channels].join(', ');
    throw new RangeError(`${name}: expected [N, ${height}, ${width}, ${channels}], got [${got}]`);
  }
}
