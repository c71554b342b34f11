import type { ImageBatch } from '@learngene/metrics';
import { createGenerator, stream, uniform } from '@learngene/random';

/** Pixels drawn evenly: what a model that has learnt nothing would draw. */
export function noisePictures(like: ImageBatch, seed: number): ImageBatch {
  const values = uniform(stream(createGenerator(seed), 'noise-baseline'), like.data.length);
  return { ...like, data: Uint8Array.from(values, (v) => Math.floor(v * 256)) };
}
