import type { ImageBatch, ImageSource } from '@learngene/metrics';
import { createGenerator, stream, uniform } from '@learngene/random';

/**
 * Images of uniform random pixels, with the number and the size of those of `like`: samples of a model that has learnt
 * nothing. Read them in order; going back draws again from the first image.
 */
export function noiseSource(like: ImageSource, seed: number): ImageSource {
  const fresh = () => stream(createGenerator(seed), 'noise-baseline');
  let generator = fresh();
  let next = 0;
  let first: ImageBatch | undefined;
  return {
    count: like.count,
    async read(start, end) {
      first ??= await like.read(0, 1);
      const { height, width, channels } = first;
      const size = height * width * channels;
      if (start < next) {
        generator = fresh();
        next = 0;
      }
      for (; next < start; next++) uniform(generator, size);
      const values = uniform(generator, (end - start) * size);
      next = end;
      const data = Uint8Array.from(values, (v) => Math.floor(v * 256));
      return { data, count: end - start, height, width, channels };
    },
  };
}
