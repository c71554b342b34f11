// FID between two sets of images, first in one call, then by parts: moments that are gathered batch by batch, on as many
// machines as one likes, and merged. The features are those of a small random network; any extractor takes its place.
// Run: npm run example fid-of-two-sets
import {
  createMoments,
  evaluate,
  type FeatureExtractor,
  finishMoments,
  frechetDistance,
  type ImageBatch,
  imageSource,
  mergeMoments,
  updateMoments,
} from '@learngene/metrics';
import { createGenerator, normal, randomIntegers, stream } from '@learngene/random';

const DIMS = 8;
const PIXELS = 8 * 8 * 3;
const g = createGenerator(0);
const weights = normal(stream(g, 'weights'), DIMS * PIXELS, { std: 1 / Math.sqrt(PIXELS) }); // [dims, pixels]

/** tanh(W x): features of a fixed random layer. */
const extractor: FeatureExtractor = {
  name: 'random-layer',
  dims: DIMS,
  async extract({ data, count }) {
    const features = new Float32Array(count * DIMS);
    for (let i = 0; i < features.length; i++) {
      const image = Math.floor(i / DIMS) * PIXELS;
      const row = (i % DIMS) * PIXELS;
      let sum = 0;
      for (let k = 0; k < PIXELS; k++) sum += weights[row + k] * (data[image + k] / 127.5 - 1);
      features[i] = Math.tanh(sum);
    }
    return { features };
  },
};

/** Noise images, `contrast` of the full range wide. */
function images(name: string, count: number, contrast: number): ImageBatch {
  const high = Math.round(256 * contrast);
  const data = Uint8Array.from(randomIntegers(stream(g, name), count * PIXELS, { high }), (x) => x + (256 - high) / 2);
  return { data, count, height: 8, width: 8, channels: 3 };
}

const real = images('real', 500, 1);
for (const [name, contrast] of [
  ['as real', 1],
  ['paler', 0.7],
  ['much paler', 0.4],
] as const) {
  const samples = imageSource(images(name, 500, contrast));
  const { fid } = await evaluate({ extractor, reference: imageSource(real), samples });
  console.log(`${name.padEnd(10)} FID ${fid?.toFixed(3)}`);
}

/** Moments of a part of the set, as one of two workers would gather them. */
async function momentsOf(first: number, count: number) {
  const data = real.data.subarray(first * PIXELS, (first + count) * PIXELS);
  const moments = createMoments(DIMS);
  updateMoments(moments, (await extractor.extract({ ...real, data, count })).features);
  return moments;
}
const merged = finishMoments(mergeMoments(await momentsOf(0, 200), await momentsOf(200, 300)));
const whole = finishMoments(await momentsOf(0, 500));
console.log(`two workers: ${merged.count} images, FID to the whole ${frechetDistance(merged, whole).toFixed(6)}`);

/* prints
as real    FID 0.016
paler      FID 0.103
much paler FID 0.485
two workers: 500 images, FID to the whole 0.000000
*/
