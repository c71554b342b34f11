// What imports may cost a page: kB (1,000 bytes) minified, without tfjs.

/** All of an entry with what it needs of the other packages. */
export const ENTRY_BUDGETS = {
  '@learngene/adapters': 190,
  '@learngene/datasets': 32,
  '@learngene/diffusion': 45,
  '@learngene/dit': 55,
  '@learngene/emoji-bundle': 1, // names; the weights are fetched
  '@learngene/engines': 9,
  '@learngene/kind': 202, // the aim was 200: classes in several groups and training of the gate alone are 6 of them
  '@learngene/metrics': 130, // Inception v3 is 12 of them
  '@learngene/nn': 90, // convolutions and norms of images are 9 of them
  '@learngene/nn/wasm': 54,
  '@learngene/pipeline': 280, // zod is 95 of them
  '@learngene/random': 8,
  '@learngene/report': 30,
  '@learngene/tensor-io': 76, // files of torch are 24 of them
  '@learngene/tensor-svd': 42,
  '@learngene/trainer': 350, // kind and adapters are most of it
  '@learngene/vae': 55,
  '@learngene/vae-emoji': 55, // the weights are fetched
};

/** One function alone: what a bundler must be able to leave out. */
export const FUNCTION_BUDGETS = [
  { name: 'flattenParams', from: '@learngene/nn', most: 3 }, // the requirement is 15
  { name: 'adamWStep', from: '@learngene/nn', most: 6 },
  { name: 'valueAndGrad', from: '@learngene/nn', most: 50 }, // tfjs-core's gradients
  { name: 'countKind', from: '@learngene/kind', most: 11 }, // the requirement is 40
  { name: 'applyKind', from: '@learngene/kind', most: 42 }, // layers of one input together, groups of their own rank
  { name: 'openBundle', from: '@learngene/kind', most: 44 }, // reads the labels of tailors, the base and the checksum
  { name: 'sampleImages', from: '@learngene/pipeline', most: 26 },
  { name: 'applyDit', from: '@learngene/dit', most: 25 },
  { name: 'decodeVae', from: '@learngene/vae', most: 17 },
  { name: 'sampleDdim', from: '@learngene/diffusion', most: 12 },
  { name: 'frechetDistance', from: '@learngene/metrics', most: 31 },
  { name: 'httpSource', from: '@learngene/tensor-io', most: 8 },
  { name: 'openTorch', from: '@learngene/tensor-io', most: 33 },
  { name: 'createGenerator', from: '@learngene/random', most: 2 },
];

/** What may stay of an entry of which nothing is used: constants that a bundler does not see through. */
export const UNSHAKABLE_BUDGET = 2;
