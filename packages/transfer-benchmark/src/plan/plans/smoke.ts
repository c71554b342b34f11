import type { BenchmarkPlanInput } from '../benchmark-plan';
import { ABLATIONS, type AblationName, BUDGET_METHODS, METHOD_NAMES } from '../names';
import { EMOJI_64, EMOJI_LATENTS } from './emoji-latents';

/** Runs every part of the benchmark once, on emoji: a few minutes on two cores. Its scores mean nothing. */
export const smokePlan: BenchmarkPlanInput = {
  name: 'smoke',
  seeds: [0],
  datasets: {
    emoji: { source: 'emoji', size: 16, holdOut: 0.5, perClass: 40 },
    // Smaller than it may be: that latents work is seen as well, in a few seconds.
    'emoji-32': { ...EMOJI_64, size: 32, perClass: 24 },
  },
  tasks: {
    emoji: {
      dataset: 'emoji',
      pretraining: ['country-flag', 'animal-mammal', 'sky & weather', 'clothing'],
      tuning: ['time', 'geometric'],
      novel: ['heart', 'alphanum'],
    },
    'emoji-latents': {
      ...EMOJI_LATENTS,
      dataset: 'emoji-32',
      pretraining: ['animal-mammal', 'sky & weather'],
      tuning: ['clothing'],
      novel: ['transport-ground'],
    },
  },
  model: { patchSize: 4, hiddenSize: 64, depth: 2, heads: 4, learngeneRank: 20, tailorRank: 4 },
  pretraining: {
    steps: 60,
    batchSize: 32,
    learningRates: [1e-3, 3e-3],
    sweepSteps: 20,
    warmup: 10,
    checkpointEvery: 20,
  },
  transfer: { batchSize: 16, warmup: 5 },
  tuning: {
    learningRates: [1e-3, 3e-3],
    extend: 1,
    scales: [1.5, 3],
    imagesPerClass: 12,
    steps: 16,
    samplesPerClass: 16,
  },
  evaluation: {
    samplesPerClass: 24,
    curve: [0.5],
    curveSamplesPerClass: 16,
    sampler: 'dpm-solver++',
    samplingSteps: 6,
    validationPerClass: 16,
    losses: 2,
  },
  classifier: { steps: 80 },
  budgets: { fractions: [0.3, 1], smallWidths: [32] },
  sweeps: [
    {
      table: 'iso-parameters',
      tasks: ['emoji'],
      methods: [...METHOD_NAMES],
      imagesPerClass: [12],
      steps: [24],
    },
    { table: 'iso-macs', tasks: ['emoji'], methods: ['kind', 'lora-class'], imagesPerClass: [12], steps: [24] },
    {
      table: 'ablation',
      tasks: ['emoji'],
      methods: Object.keys(ABLATIONS) as AblationName[],
      imagesPerClass: [12],
      steps: [24],
    },
    { table: 'budget', tasks: ['emoji'], methods: [...BUDGET_METHODS] },
    { table: 'iso-parameters', tasks: ['emoji-latents'], methods: ['kind'], imagesPerClass: [12], steps: [24] },
  ],
};
