import { type AblationName, ablations, budgetMethods, methodNames } from '../names';
import type { PlanInput } from '../plan';

/** The methods that are held against each other where all of them would take too long. */
const leading = ['kind', 'low-rank+tailors', 'svd-cut+tailors', 'lora-class', 'lora', 'full'] as const;

const faces = ['face-concerned', 'face-neutral-skeptical', 'face-smiling', 'face-unwell', 'face-negative', 'cat-face'];

/** All tables with three seeds: hours on two cores, to be stopped and continued at will; the main table comes first. */
export const fullPlan: PlanInput = {
  name: 'full',
  seeds: [0, 1, 2],
  datasets: {
    fashion: { source: 'idx', path: '/usr/share/datasets/fashion-mnist', size: 20, perClass: 2000, holdOut: 0.25 },
    // Colour, and a few dozen pictures a class: half of them are needed to score.
    emoji: { source: 'emoji', size: 20, holdOut: 0.5, perClass: 120, merge: { face: faces } },
    'emoji-grey': { source: 'emoji', size: 20, holdOut: 0.5, perClass: 120, channels: 1, merge: { face: faces } },
  },
  tasks: {
    'fashion-a': {
      dataset: 'fashion',
      pretraining: ['T-shirt/top', 'Pullover', 'Sandal', 'Shirt', 'Ankle boot'],
      tuning: ['Trouser', 'Coat'],
      novel: ['Dress', 'Sneaker', 'Bag'],
    },
    'fashion-b': {
      dataset: 'fashion',
      pretraining: ['Trouser', 'Dress', 'Sneaker', 'Bag', 'Ankle boot'],
      tuning: ['T-shirt/top', 'Sandal'],
      novel: ['Pullover', 'Coat', 'Shirt'],
    },
    'fashion-c': {
      dataset: 'fashion',
      pretraining: ['T-shirt/top', 'Pullover', 'Coat', 'Shirt', 'Sneaker'],
      tuning: ['Dress', 'Bag'],
      novel: ['Trouser', 'Sandal', 'Ankle boot'],
    },
    emoji: {
      dataset: 'emoji',
      pretraining: [
        'country-flag',
        'animal-mammal',
        'transport-ground',
        'clothing',
        'sky & weather',
        'time',
        'geometric',
        'person-role',
      ],
      tuning: ['food-prepared', 'alphanum'],
      novel: ['face', 'heart', 'arrow'],
    },
    'fashion-one': {
      dataset: 'fashion',
      pretraining: ['T-shirt/top', 'Pullover', 'Sandal', 'Shirt', 'Ankle boot'],
      tuning: ['Trouser', 'Coat'],
      novel: ['Bag'],
      tuneAs: 'fashion-a',
    },
    'emoji-many': {
      dataset: 'emoji',
      pretraining: [
        'country-flag',
        'animal-mammal',
        'transport-ground',
        'clothing',
        'sky & weather',
        'time',
        'geometric',
        'person-role',
      ],
      tuning: ['food-prepared', 'alphanum'],
      novel: [
        'face',
        'heart',
        'arrow',
        'person-activity',
        'family',
        'person-gesture',
        'sport',
        'tool',
        'av-symbol',
        'household',
        'animal-bird',
        'drink',
      ],
      tuneAs: 'emoji',
    },
    'fashion-to-emoji': {
      dataset: 'emoji-grey',
      pretrainingDataset: 'fashion',
      pretraining: ['T-shirt/top', 'Pullover', 'Sandal', 'Shirt', 'Ankle boot'],
      tuning: ['food-prepared', 'alphanum'],
      novel: ['face', 'heart', 'arrow'],
    },
    'emoji-to-fashion': {
      dataset: 'fashion',
      pretrainingDataset: 'emoji-grey',
      pretraining: [
        'country-flag',
        'animal-mammal',
        'transport-ground',
        'clothing',
        'sky & weather',
        'time',
        'geometric',
        'person-role',
      ],
      tuning: ['Trouser', 'Coat'],
      novel: ['Dress', 'Sneaker', 'Bag'],
    },
  },
  model: { patchSize: 4, hiddenSize: 128, depth: 4, heads: 4, learngeneRank: 40, tailorRank: 8 },
  pretraining: {
    steps: 2000,
    batchSize: 64,
    learningRates: [1e-3, 2e-3, 4e-3],
    sweepSteps: 400,
    warmup: 100,
    checkpointEvery: 250,
  },
  transfer: { batchSize: 32, warmup: 10 },
  tuning: {
    learningRates: [5e-4, 1.5e-3, 5e-3, 1.5e-2],
    extend: 1,
    screenScale: 1.5,
    scales: [1.25, 2, 3],
    imagesPerClass: 100,
    steps: 200,
    samplesPerClass: 100,
  },
  evaluation: {
    samplesPerClass: 200,
    curve: [0.2, 0.5],
    curveSamplesPerClass: 80,
    sampler: 'dpm-solver++',
    samplingSteps: 15,
    validationPerClass: 100,
    losses: 6,
  },
  classifier: { steps: 1500 },
  budgets: { fractions: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1], smallWidths: [48, 64, 80, 96, 112, 128] },
  grids: [
    { table: 'parameters', tasks: ['fashion-b', 'emoji'], methods: [...methodNames] },
    {
      table: 'ablation',
      tasks: ['fashion-b'],
      methods: Object.keys(ablations).filter((name) => name !== 'kind/distant') as AblationName[],
    },
    { table: 'parameters', tasks: ['fashion-a', 'fashion-c'], methods: [...methodNames] },
    {
      table: 'macs',
      tasks: ['fashion-b'],
      methods: ['kind', 'kind-shared', 'low-rank+tailors', 'svd-cut+tailors', 'lora-class', 'lora', 'full', 'scratch'],
    },
    { table: 'budget', tasks: ['fashion-a'], methods: [...budgetMethods] },
    { table: 'parameters', tasks: ['fashion-b', 'emoji'], methods: [...leading], imagesPerClass: [10, 0] },
    { table: 'parameters', tasks: ['fashion-b'], methods: [...leading], steps: [100, 1000] },
    { table: 'parameters', tasks: ['fashion-one', 'emoji-many'], methods: [...leading] },
    { table: 'parameters', tasks: ['fashion-to-emoji', 'emoji-to-fashion'], methods: [...leading, 'scratch'] },
    { table: 'ablation', tasks: ['fashion-to-emoji', 'emoji-to-fashion'], methods: ['kind/distant'] },
  ],
};
