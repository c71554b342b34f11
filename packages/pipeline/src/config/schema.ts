import * as z from 'zod';

const positive = () => z.int().positive();
const fraction = () => z.number().min(0).max(1);

/** The kinds of data that are read. */
export const DATA_SOURCES = ['emoji', 'folder', 'idx', 'cifar10', 'cifar100', 'packed'] as const;

/** Where the images come from, and which classes are for pre-training and which are held back as novel. */
const dataSchema = () =>
  z.strictObject({
    source: z
      .enum(DATA_SOURCES)
      .optional()
      .describe('kind of data; told by what lies at the path where it is left out'),
    path: z.string().optional().describe('folder or file of the data (not needed for emoji)'),
    size: z
      .int()
      .min(4)
      .max(1024)
      .optional()
      .describe('pixels a side that image files are cropped and resized to (default 32); arrays keep their own size'),
    split: z.enum(['train', 'test']).default('train').describe('which part of IDX and CIFAR data'),
    classes: z.array(z.string()).optional().describe('classes to pre-train on (default: all that are not novel)'),
    novel: z.array(z.string()).default([]).describe('classes kept out of pre-training'),
    superclasses: z
      .union([z.string(), z.record(z.string(), z.array(z.string()))])
      .optional()
      .describe('classes to merge: { superclass: [class, ...], ... }, or a JSON file of that'),
    minPerClass: positive().default(1).describe('classes with fewer images are left out'),
    holdOut: fraction().default(0.1).describe('fraction of each class kept for evaluation'),
    balance: z.boolean().default(true).describe('draw all classes equally often, however many images they have'),
    flip: z.boolean().default(true).describe('mirror images at random'),
    skinVariations: z.boolean().default(false).describe('emoji: with the skin-tone variations'),
    autoOrient: z.boolean().default(true).describe('folder: turn images upright by their EXIF tag'),
    onCorrupt: z.enum(['error', 'skip']).default('error').describe('what to do with images that cannot be read'),
  });

/** The factored Diffusion Transformer. */
const modelSchema = () =>
  z.strictObject({
    preset: z
      .string()
      .regex(/^DiT-(S|B|L|XL)\/(2|4|8)$/, 'expected DiT-{S,B,L,XL}/{2,4,8}')
      .optional()
      .describe('published size; the fields below override it'),
    patchSize: positive().optional().describe('pixels a side of a token'),
    hiddenSize: positive().optional().describe('width'),
    depth: positive().optional().describe('number of blocks'),
    heads: positive().optional().describe('attention heads'),
    mlpRatio: z.number().positive().optional().describe('width of the MLP over the width'),
    labelDropout: fraction().default(0.1).describe('how often the label is dropped in training, for guidance'),
    learnSigma: z.boolean().default(false).describe('whether the network predicts the variance too'),
    variant: z
      .enum(['facebook', 'diffusers'])
      .default('facebook')
      .describe('whose timestep embedding and epsilon; diffusers for weights that diffusers will load'),
    learngeneRank: positive().default(40).describe('rank-1 components of each weight that all classes share'),
    tailorRank: positive().default(8).describe('rank-1 components of each weight that a class has to itself'),
    init: z
      .enum(['orthogonal', 'xavier'])
      .default('orthogonal')
      .describe('start: random orthonormal components, or the SVD of a Xavier-initialised weight'),
    gate: z.enum(['binary', 'soft']).default('binary').describe('class gate: on/off, or softmax over groups'),
    nullGate: z
      .enum(['learngenes', 'own-class'])
      .default('learngenes')
      .describe('which components answer when the label is dropped'),
  });

/** The diffusion process and its objective. */
const diffusionSchema = () =>
  z.strictObject({
    process: z.enum(['gaussian', 'flow']).default('gaussian').describe('Gaussian diffusion or flow matching'),
    schedule: z.enum(['linear', 'cosine', 'scaled_linear', 'sigmoid']).default('cosine').describe('noise schedule'),
    timesteps: z.int().min(2).max(10_000).default(1000).describe('training timesteps'),
    prediction: z.enum(['epsilon', 'x0', 'velocity']).default('x0').describe('what the network predicts'),
    variance: z
      .enum(['fixed-small', 'fixed-large', 'learned-range'])
      .default('fixed-small')
      .describe('reverse variance; learned-range needs model.learnSigma'),
    timestepSampler: z
      .enum(['uniform', 'loss-second-moment'])
      .default('uniform')
      .describe('how training timesteps are drawn'),
  });

/** How long and how to train. */
const trainingSchema = () =>
  z.strictObject({
    steps: positive().default(10_000).describe('optimiser steps in all'),
    batchSize: positive().default(32).describe('images a step'),
    learningRate: z.number().positive().default(1e-3).describe('AdamW learning rate after warm-up'),
    factorLearningRateScale: z
      .number()
      .positive()
      .default(1)
      .describe('factor on the learning rate of learngenes and tailors'),
    warmup: z.int().min(0).default(100).describe('steps of linear warm-up'),
    decay: z.enum(['constant', 'cosine']).default('constant').describe('learning rate after warm-up'),
    weightDecay: z.number().min(0).default(0).describe('decoupled weight decay of the dense parts'),
    clipNorm: z.number().positive().default(1).describe('largest global norm of the gradient'),
    precision: z
      .enum(['f32', 'bf16'])
      .default('f32')
      .describe('products of matrices; bf16 (with float32 sums and weights) needs --engine native and AVX512-BF16'),
    emaDecay: fraction().default(0.999).describe('decay of the averaged weights that are sampled from'),
    orthogonality: z.number().min(0).default(0).describe('weight of ‖UᵀU−I‖² + ‖VᵀV−I‖² in the loss'),
    checkpointEvery: positive().default(500).describe('steps between checkpoints'),
    keepCheckpoints: positive().default(2).describe('how many checkpoints stay on disk'),
    logEvery: positive().default(10).describe('steps between lines of metrics.jsonl'),
    sampleEvery: z.int().min(0).default(1000).describe('steps between sample grids; 0 for none'),
  });

/** How images are sampled. */
const samplingSchema = () =>
  z.strictObject({
    sampler: z
      .enum(['ddpm', 'ddim', 'dpm-solver++', 'unipc', 'euler', 'heun'])
      .default('ddim')
      .describe('sampler; flow matching takes euler or heun'),
    steps: positive().default(50).describe('network evaluations (heun: two a step)'),
    guidance: z.number().min(0).default(1.5).describe('classifier-free guidance scale; 1 is none'),
    eta: fraction().default(0).describe('noise of DDIM'),
    clip: z.boolean().default(true).describe('keep predicted images inside [-1, 1]'),
  });

const makeSchema = () =>
  z.strictObject({
    seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0).describe('seed of all randomness'),
    data: dataSchema().prefault({}),
    model: modelSchema().prefault({}),
    diffusion: diffusionSchema().prefault({}),
    training: trainingSchema().prefault({}),
    sampling: samplingSchema().prefault({}),
  });

let schema: ReturnType<typeof makeSchema> | undefined;

/** Everything that a run needs to be repeated; made when it is first asked for, so that a bundler can leave it out. */
export function configSchema(): ReturnType<typeof makeSchema> {
  schema ??= makeSchema();
  return schema;
}

/** A complete configuration. */
export type Config = z.output<ReturnType<typeof configSchema>>;

/** How images are sampled from a model: sampler, steps, guidance. */
export type Sampling = Config['sampling'];

/** What a user may write: everything is optional. */
export type ConfigInput = z.input<ReturnType<typeof configSchema>>;
