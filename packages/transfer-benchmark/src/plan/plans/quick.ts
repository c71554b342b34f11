import type { BenchmarkPlanInput } from '../benchmark-plan';
import { METHOD_NAMES } from '../names';
import { EMOJI_64, EMOJI_LATENTS } from './emoji-latents';

/** The main table on one split of Fashion-MNIST with two seeds: under 45 minutes on two cores with the native engine. */
export const QUICK_PLAN: BenchmarkPlanInput = {
  name: 'quick',
  seeds: [0, 1],
  datasets: {
    fashion: { source: 'idx', path: '/usr/share/datasets/fashion-mnist', size: 20, perClass: 2000, holdOut: 0.25 },
    'emoji-64': EMOJI_64,
  },
  tasks: {
    'fashion-a': {
      dataset: 'fashion',
      pretraining: ['T-shirt/top', 'Pullover', 'Sandal', 'Shirt', 'Ankle boot'],
      tuning: ['Trouser', 'Coat'],
      novel: ['Dress', 'Sneaker', 'Bag'],
    },
    'emoji-latents': EMOJI_LATENTS,
  },
  model: { patchSize: 4, hiddenSize: 128, depth: 4, heads: 4, learngeneRank: 40, tailorRank: 8 },
  pretraining: { steps: 800, batchSize: 64, learningRates: [4e-3], warmup: 50, checkpointEvery: 200 },
  transfer: { batchSize: 32, warmup: 10 },
  tuning: {
    learningRates: [1e-3, 4e-3, 1.6e-2],
    screenScale: 1.25,
    scales: [1.1, 1.5],
    imagesPerClass: 100,
    steps: 150,
    samplesPerClass: 80,
  },
  evaluation: {
    samplesPerClass: 100,
    curve: [0.25, 0.5],
    curveSamplesPerClass: 50,
    sampler: 'dpm-solver++',
    samplingSteps: 10,
    validationPerClass: 64,
    losses: 4,
  },
  classifier: { steps: 600 },
  sweeps: [
    { table: 'iso-parameters', tasks: ['fashion-a'], methods: [...METHOD_NAMES], imagesPerClass: [100], steps: [200] },
    {
      table: 'iso-parameters',
      tasks: ['emoji-latents'],
      methods: ['kind', 'lora-class'],
      imagesPerClass: [100],
      steps: [200],
      seeds: [0],
    },
  ],
};
