import * as tf from '@tensorflow/tfjs-core';
import { checkInteger, checkNames } from '../check';
import { checkProtocol, PROTOCOLS, type Protocol } from '../protocols';
import type { ExtractedFeatures, FeatureExtractor, ImageBatch } from '../types';
import { applyInception, inceptionLogits } from './apply';
import { INCEPTION_CLASSES, INCEPTION_SIZE, POOL3, SPATIAL_CHANNELS } from './architecture';
import type { InceptionParams } from './params';
import { inceptionInput } from './resize';

/** Settings of {@link inceptionExtractor}. */
export interface InceptionExtractorOptions {
  /** The program whose resize applies (default `'adm'`). */
  readonly protocol?: Protocol;
  /** What results are labelled with (default `'inception-v3'` and the protocol). */
  readonly name?: string;
  /** Images that the network takes at a time (default 8): the memory is 30 MB an image. */
  readonly chunk?: number;
}

/** Side of the map that the spatial features are taken from, for images of 299. */
const SPATIAL_SIDE = 17;

/**
 * Inception v3 as the feature extractor of FID (pool3, 2048 dims), sFID (7 channels of a map of 17 x 17, 2023 dims) and the
 * Inception Score (1008 logits without bias, as ADM and torch-fidelity have them). Images of any size with 3 channels are
 * resized as the protocol says. The caller keeps `params`, and disposes them only after the extractor is no longer used.
 */
export function inceptionExtractor(params: InceptionParams, options: InceptionExtractorOptions = {}): FeatureExtractor {
  checkNames('inceptionExtractor', options, ['protocol', 'name', 'chunk']);
  const { protocol = 'adm', name = `inception-v3 (${protocol})`, chunk = 8 } = options;
  checkProtocol(protocol);
  checkInteger('chunk', chunk, 1);
  const { resize } = PROTOCOLS[protocol];
  const sizes = { features: POOL3, spatial: SPATIAL_SIDE ** 2 * SPATIAL_CHANNELS, logits: INCEPTION_CLASSES };
  return {
    name,
    dims: sizes.features,
    spatialDims: sizes.spatial,
    classes: sizes.logits,
    async extract(images: ImageBatch): Promise<Required<ExtractedFeatures>> {
      checkInteger('images.count', images.count, 1);
      const make = (dims: number) => new Float32Array(images.count * dims);
      const all = { features: make(sizes.features), spatial: make(sizes.spatial), logits: make(sizes.logits) };
      for (let start = 0; start < images.count; start += chunk) {
        const part = slice(images, start, Math.min(images.count, start + chunk));
        const found = await extractChunk(params, inceptionInput(part, resize), part.count);
        for (const key of ['features', 'spatial', 'logits'] as const) all[key].set(found[key], start * sizes[key]);
      }
      return all;
    },
  };
}

function slice({ data, height, width, channels }: ImageBatch, start: number, end: number): ImageBatch {
  const size = height * width * channels;
  return { data: data.subarray(start * size, end * size), count: end - start, height, width, channels };
}

async function extractChunk(
  params: InceptionParams,
  pixels: Float32Array,
  count: number,
): Promise<Required<ExtractedFeatures>> {
  const outputs = tf.tidy(() => {
    const { pool3, spatial } = applyInception(params, tf.tensor4d(pixels, [count, INCEPTION_SIZE, INCEPTION_SIZE, 3]));
    return [pool3, spatial, inceptionLogits(params, pool3)] as const;
  });
  try {
    const [features, maps, logits] = await Promise.all(outputs.map((tensor) => tensor.data()));
    return {
      features: Float32Array.from(features),
      spatial: Float32Array.from(maps),
      logits: Float32Array.from(logits),
    };
  } finally {
    tf.dispose(outputs as unknown as tf.Tensor[]);
  }
}
