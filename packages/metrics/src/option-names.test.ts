import { expect, it as test } from 'vitest';
import { evaluate, frechetDistance, inceptionScore, kernelDistance, precisionRecall } from './index';

const set = { data: Float64Array.of(0, 1, 2, 4), count: 4, dims: 1 };
const moments = { mean: Float64Array.of(0), covariance: Float64Array.of(1) };
const images = {
  count: 4,
  height: 1,
  width: 1,
  channels: 1,
  read: () => Promise.reject(new Error('an image was read')),
};
const extractor = { name: 'none', dims: 1, classes: 2, extract: () => Promise.reject(new Error('extracted')) };
const score = (options: object) => evaluate({ extractor, samples: images, reference: images, ...options } as never);

/** As callers without types may write. */
const CALLS: readonly [name: string, call: (options: object) => unknown, options: object][] = [
  ['kernelDistance', (options) => kernelDistance(set, set, options), { subset_size: 10 }],
  ['kernelDistance', (options) => kernelDistance(set, set, options), { subsetSize: 2, sigma: undefined }],
  ['inceptionScore', (options) => inceptionScore(set, options), { split: 10 }],
  ['precisionRecall', (options) => precisionRecall(set, set, options), { k: 1 }],
  ['frechetDistance', (options) => frechetDistance(moments, moments, options), { eps: 1e-6 }],
  ['evaluate', score, { foo: 1 }],
  ['kid', (kid) => score({ kid }), { subset_size: 10 }],
  ['inceptionScore', (own) => score({ inceptionScore: own }), { split: 10 }],
  ['precisionRecall', (own) => score({ precisionRecall: own }), { k: 1 }],
];

test.each(CALLS)('%s refuses an option that it does not have', async (name, call, options) => {
  const unknown = Object.keys(options).at(-1);
  await expect((async () => call(options))()).rejects.toThrow(
    new RegExp(`^${name}: expected only .*, got '${unknown}'$`),
  );
});
