import type { BenchmarkPlanInput } from '../benchmark-plan';
import { ABLATIONS, type AblationName, BUDGET_METHODS, METHOD_NAMES } from '../names';
import { EMOJI_64, EMOJI_LATENTS } from './emoji-latents';

/** The methods that are compared where all of them would take too long. */
const LEADING = ['kind', 'low-rank+tailors', 'svd-cut+tailors', 'lora-class', 'lora', 'full'] as const;

/** Emoji classes that look alike, merged so that there are enough images to train on and to score with. */
const EMOJI_CLASSES = {
  animal: ['animal-mammal', 'animal-bird', 'animal-marine', 'animal-bug', 'animal-reptile'],
  people: ['person-role', 'person-activity', 'person-fantasy'],
  transport: ['transport-ground', 'transport-air', 'transport-water'],
  hand: ['hand-fingers-open', 'hand-fingers-partial', 'hand-fingers-closed', 'hand-single-finger', 'hands'],
  face: [
    'face-concerned',
    'face-neutral-skeptical',
    'face-smiling',
    'face-unwell',
    'face-affection',
    'face-negative',
    'face-costume',
    'face-hand',
    'face-tongue',
    'face-sleepy',
  ],
  food: ['food-prepared', 'food-asian', 'food-sweet', 'food-fruit', 'food-vegetable', 'drink'],
  sign: ['av-symbol', 'arrow', 'transport-sign', 'zodiac', 'keycap', 'religion'],
  building: ['place-building', 'place-other', 'place-religious'],
  plant: ['plant-flower', 'plant-other'],
};

const EMOJI_SPLIT = {
  pretraining: ['country-flag', 'animal', 'people', 'transport', 'clothing', 'sky & weather', 'time', 'geometric'],
  tuning: ['hand', 'alphanum', 'building'],
  novel: ['face', 'food', 'sign'],
};

const EMOJI_OTHERS = ['plant', 'sport', 'tool', 'household', 'heart', 'office', 'game', 'event'];

const FASHION_SPLIT = {
  pretraining: ['T-shirt/top', 'Pullover', 'Sandal', 'Shirt', 'Ankle boot'],
  tuning: ['Trouser', 'Coat'],
  novel: ['Dress', 'Sneaker', 'Bag'],
};

/** KIND from a dense start, and its control without a gate. */
const DENSE_STARTS = ['kind/from-dense', 'low-rank/from-dense'] as const;

/** Factors that learn as fast as the dense parts in pre-training. */
const FULL_RATES = ['kind/full-rate', 'low-rank/full-rate'] as const;

/** Ablations that change the transfer alone: they stand on KIND's own base. */
const TRANSFER_ABLATIONS = [
  'kind/tailors-frozen',
  'kind/init-orthogonal',
  'kind/init-random',
  'kind/init-own-zero',
  'kind/unfreeze-late',
] as const;

/** Ablations that change the pre-training: the gate, the null label, the ratio N_G : N_t, the loss. */
const PRETRAINING_ABLATIONS = [
  'kind/soft-gate',
  'kind/own-class-null',
  'kind/ranks-24-24',
  'kind/orthogonality',
  'kind/ranks-44-4',
  'kind/ranks-32-16',
] as const;

/** The ablations within one dataset. */
const localAblations = (Object.keys(ABLATIONS) as AblationName[]).filter((name) => name !== 'kind/distant');

/** The methods of the iso-MACs table. */
const MACS_METHODS = [
  'kind',
  'kind-shared',
  'low-rank+tailors',
  'svd-cut+tailors',
  'lora-class',
  'lora',
  'full',
  'scratch',
] as const;

/** Learngenes of one dataset on the other. */
const DISTANT_TASKS = ['fashion-to-emoji', 'emoji-to-fashion'];

/** All tables with three seeds: many hours on two cores. It may be stopped and continued; the main table comes first. */
export const fullPlan: BenchmarkPlanInput = {
  name: 'full',
  seeds: [0, 1, 2],
  datasets: {
    fashion: { source: 'idx', path: '/usr/share/datasets/fashion-mnist', size: 20, perClass: 2000, holdOut: 0.25 },
    // Colour, and a few dozen images a class: half of them are needed to score.
    emoji: { source: 'emoji', size: 20, holdOut: 0.5, perClass: 120, merge: EMOJI_CLASSES },
    'emoji-grey': { source: 'emoji', size: 20, holdOut: 0.5, perClass: 120, channels: 1, merge: EMOJI_CLASSES },
    'emoji-64': EMOJI_64,
  },
  tasks: {
    'fashion-a': { dataset: 'fashion', ...FASHION_SPLIT },
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
    emoji: { dataset: 'emoji', ...EMOJI_SPLIT },
    'fashion-one': { dataset: 'fashion', ...FASHION_SPLIT, novel: ['Bag'], tuneAs: 'fashion-a' },
    'emoji-many': {
      dataset: 'emoji',
      ...EMOJI_SPLIT,
      novel: [...EMOJI_SPLIT.novel, ...EMOJI_OTHERS],
      tuneAs: 'emoji',
    },
    'emoji-wide': {
      dataset: 'emoji',
      ...EMOJI_SPLIT,
      pretraining: [...EMOJI_SPLIT.pretraining, ...EMOJI_OTHERS],
    },
    'fashion-to-emoji': {
      ...EMOJI_SPLIT,
      dataset: 'emoji-grey',
      pretrainingDataset: 'fashion',
      pretraining: FASHION_SPLIT.pretraining,
    },
    'emoji-to-fashion': {
      ...FASHION_SPLIT,
      dataset: 'fashion',
      pretrainingDataset: 'emoji-grey',
      pretraining: EMOJI_SPLIT.pretraining,
    },
    'emoji-latents': EMOJI_LATENTS,
  },
  model: { patchSize: 4, hiddenSize: 128, depth: 4, heads: 4, learngeneRank: 40, tailorRank: 8 },
  pretraining: {
    steps: 1200,
    batchSize: 64,
    learningRates: [1e-3, 2e-3, 4e-3],
    sweepSteps: 250,
    warmup: 50,
    checkpointEvery: 250,
  },
  transfer: { batchSize: 32, warmup: 10 },
  tuning: {
    learningRates: [5e-4, 1.5e-3, 5e-3, 1.5e-2],
    extend: 1,
    screenScale: 1.25,
    scales: [1.5, 2, 3],
    imagesPerClass: 100,
    steps: 150,
    samplesPerClass: 80,
  },
  evaluation: {
    samplesPerClass: 150,
    curve: [0.2, 0.5],
    curveSamplesPerClass: 60,
    sampler: 'dpm-solver++',
    samplingSteps: 10,
    validationPerClass: 100,
    losses: 6,
  },
  classifier: { steps: 1500 },
  budgets: { fractions: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1], smallWidths: [48, 64, 80, 96, 112, 128] },
  sweeps: [
    {
      table: 'iso-parameters',
      tasks: ['fashion-b'],
      methods: METHOD_NAMES.filter((name) => name !== 'oft' && name !== 'loha'), // the slowest to train
    },
    // Two starts that may make KIND better.
    { table: 'ablation', tasks: ['fashion-b'], methods: ['kind/from-dense', 'kind/tailors-warm'] },
    { table: 'iso-parameters', tasks: ['emoji'], methods: [...LEADING, 'scratch'] },
    { table: 'ablation', tasks: ['emoji'], methods: ['kind/from-dense'] },
    // Where images are large enough to be believed: 45 classes in latents.
    { table: 'iso-parameters', tasks: ['emoji-latents'], methods: [...LEADING], seeds: [0] },
    { table: 'iso-parameters', tasks: ['fashion-b'], methods: [...METHOD_NAMES] },
    // Repeats the findings of the first splits on one that had no part in them. The same start without a gate is the control.
    { table: 'iso-parameters', tasks: ['fashion-a'], methods: [...LEADING] },
    { table: 'ablation', tasks: ['fashion-a', 'fashion-b', 'emoji'], methods: [...DENSE_STARTS] },
    { table: 'iso-parameters', tasks: ['emoji'], methods: [...METHOD_NAMES] },
    // The learning rate of the factors in pre-training: that of the dense parts, not half of it.
    { table: 'ablation', tasks: ['fashion-b', 'emoji', 'fashion-a'], methods: [...FULL_RATES] },
    // Whether learngenes are better with more pre-training classes.
    { table: 'iso-parameters', tasks: ['emoji-wide'], methods: [...LEADING], seeds: [0, 1] },
    { table: 'iso-macs', tasks: ['fashion-b'], methods: [...MACS_METHODS], seeds: [0, 1] },
    // Ablations of the transfer, which need no pre-training of their own.
    { table: 'ablation', tasks: ['fashion-b'], methods: [...TRANSFER_ABLATIONS] },
    { table: 'iso-parameters', tasks: ['fashion-one'], methods: [...LEADING] },
    { table: 'ablation', tasks: ['fashion-one'], methods: [...FULL_RATES] },
    { table: 'ablation', tasks: ['emoji-wide'], methods: [...FULL_RATES], seeds: [0, 1] },
    { table: 'ablation', tasks: ['emoji-many'], methods: [...FULL_RATES], seeds: [0] },
    // Expensive sweeps begin with one or two seeds: each question has a first answer before any has its last.
    { table: 'iso-parameters', tasks: ['emoji-many'], methods: [...LEADING], seeds: [0] },
    { table: 'budget', tasks: ['fashion-b'], methods: ['bundle-cut', 'bundle-cut-macs', 'svd-cut'] },
    { table: 'budget', tasks: ['fashion-b'], methods: ['small'], seeds: [0] },
    { table: 'iso-parameters', tasks: DISTANT_TASKS, methods: [...LEADING], seeds: [0] },
    { table: 'ablation', tasks: DISTANT_TASKS, methods: ['kind/distant'], seeds: [0] },
    { table: 'ablation', tasks: ['fashion-b'], methods: [...PRETRAINING_ABLATIONS], seeds: [0] },
    // Again on a split that had no part in any finding.
    { table: 'iso-parameters', tasks: ['fashion-c'], methods: [...LEADING] },
    // Ablations of pre-training with all seeds.
    { table: 'ablation', tasks: ['fashion-b'], methods: [...PRETRAINING_ABLATIONS] },
    // Whether the gate helps with fewer components.
    { table: 'ablation', tasks: ['fashion-b'], methods: ['kind/small-ranks', 'low-rank/small-ranks'] },
    { table: 'ablation', tasks: ['fashion-b'], methods: localAblations, seeds: [0] },
    // The sweeps that had few seeds, with all seeds.
    { table: 'iso-parameters', tasks: ['emoji-many', 'emoji-wide'], methods: [...LEADING] },
    { table: 'iso-macs', tasks: ['fashion-b'], methods: [...MACS_METHODS] },
    { table: 'iso-parameters', tasks: ['emoji-latents'], methods: [...LEADING] },
    { table: 'budget', tasks: ['fashion-b'], methods: [...BUDGET_METHODS] },
    { table: 'iso-parameters', tasks: DISTANT_TASKS, methods: [...LEADING, 'scratch'] },
    { table: 'ablation', tasks: DISTANT_TASKS, methods: ['kind/distant'] },
    { table: 'ablation', tasks: ['fashion-c'], methods: [...DENSE_STARTS] },
    // The gate makes a small difference: more seeds for the methods that differ in the gate alone.
    {
      table: 'iso-parameters',
      tasks: ['fashion-b', 'emoji'],
      methods: ['kind', 'low-rank+tailors', 'svd-cut+tailors', 'lora-class'],
      seeds: [3, 4],
    },
    { table: 'ablation', tasks: ['fashion-b'], methods: localAblations },
    { table: 'iso-parameters', tasks: ['fashion-b', 'emoji'], methods: [...LEADING], imagesPerClass: [10, 0] },
    { table: 'iso-parameters', tasks: ['fashion-b'], methods: [...LEADING], steps: [100, 1000] },
  ],
};
