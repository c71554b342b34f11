import * as z from 'zod';
import { dataSchema } from './data-schema';
import { validationSchema } from './validation-schema';

const positive = () => z.int().positive();
const fraction = () => z.number().min(0).max(1);

/** The autoencoder in whose latents the model works. */
const autoencoderSchema = () =>
  z.strictObject({
    /** Its folder; where it lies elsewhere now, its hash tells that it is the same. */
    path: z.string().optional().describe('its folder'),
    /** Its name: that of a shipped one, or what messages call it. */
    name: z.string().optional().describe('its name: that of a shipped one, or what messages call it'),
    /** SHA-256 of its weights and configuration; filled in, and compared where it is there. */
    hash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits')
      .optional()
      .describe('SHA-256 of its weights and configuration; filled in, and compared where it is there'),
    /** Channels of an image; filled in. */
    imageChannels: positive().optional().describe('channels of an image; filled in'),
    /** Channels of a latent; filled in. */
    latentChannels: positive().optional().describe('channels of a latent; filled in'),
    /** Pixels a side of one position of a latent; filled in. */
    downscale: positive().optional().describe('pixels a side of one position of a latent; filled in'),
    /** The network sees (latents - shiftFactor) * scalingFactor (default: as the autoencoder says). */
    scalingFactor: z
      .number()
      .positive()
      .optional()
      .describe('the network sees (latents - shiftFactor) * scalingFactor (default: as the autoencoder says)'),
    /** See scalingFactor. */
    shiftFactor: z.number().optional().describe('see scalingFactor (default: as the autoencoder says)'),
  });

/** The factored Diffusion Transformer. */
const modelSchema = () =>
  z.strictObject({
    /** Published size; the fields below override it. */
    preset: z
      .string()
      .regex(/^DiT-(S|B|L|XL)\/(2|4|8)$/, 'expected DiT-{S,B,L,XL}/{2,4,8}')
      .optional()
      .describe('published size; the fields below override it'),
    /** Pixels or latent positions a side of a token (default: 4 pixels; 2 positions, or 1 where a latent has fewer than 8 or an odd number). */
    patchSize: positive().optional().describe('pixels or latent positions a side of a token'),
    /** Width. */
    hiddenSize: positive().optional().describe('width'),
    /** Number of blocks. */
    depth: positive().optional().describe('number of blocks'),
    /** Attention heads. */
    heads: positive().optional().describe('attention heads'),
    /** Width of the MLP over the width. */
    mlpRatio: z.number().positive().optional().describe('width of the MLP over the width'),
    /** How often the label is dropped in training, for guidance. */
    labelDropout: fraction().default(0.1).describe('how often the label is dropped in training, for guidance'),
    /** Whether the network predicts the variance too. */
    learnSigma: z.boolean().default(false).describe('whether the network predicts the variance too'),
    /** Whose timestep embedding and epsilon; diffusers for weights that diffusers will load. */
    variant: z
      .enum(['facebook', 'diffusers'])
      .default('facebook')
      .describe('whose timestep embedding and epsilon; diffusers for weights that diffusers will load'),
    /** Rank-1 components of each weight that all classes share. */
    learngeneRank: positive().default(40).describe('rank-1 components of each weight that all classes share'),
    /** Rank-1 components of each weight that a class has to itself. */
    tailorRank: positive().default(8).describe('rank-1 components of each weight that a class has to itself'),
    /** Groups of classes with tailors of their own; a class in several has the tailors of all (default: one a class). */
    groups: z
      .array(
        z.strictObject({
          /** Name of the group. */
          name: z.string().min(1).max(200).describe('name of the group'),
          /** Names of its classes. */
          classes: z.array(z.string()).min(1).describe('names of its classes'),
          /** Rank-1 components of its tailors (default: model.tailorRank). */
          tailorRank: positive().optional().describe('rank-1 components of its tailors (default: model.tailorRank)'),
        }),
      )
      .min(1)
      .optional()
      .describe(
        'groups of classes with tailors of their own; a class in several has the tailors of all (default: one a class)',
      ),
    /** Start: random orthonormal components, or the SVD of a Xavier-initialised weight. */
    init: z
      .enum(['orthogonal', 'xavier'])
      .default('orthogonal')
      .describe('start: random orthonormal components, or the SVD of a Xavier-initialised weight'),
    /** Class gate: on/off, or softmax over groups. */
    gate: z.enum(['binary', 'soft']).default('binary').describe('class gate: on/off, or softmax over groups'),
    /** Which components answer when the label is dropped. */
    nullGate: z
      .enum(['learngenes', 'own-class'])
      .default('learngenes')
      .describe('which components answer when the label is dropped'),
  });

/** The diffusion process and its objective. */
const diffusionSchema = () =>
  z.strictObject({
    /** Gaussian diffusion or flow matching. */
    process: z.enum(['gaussian', 'flow']).default('gaussian').describe('Gaussian diffusion or flow matching'),
    /** Noise schedule. */
    schedule: z.enum(['linear', 'cosine', 'scaled_linear', 'sigmoid']).default('cosine').describe('noise schedule'),
    /** Training timesteps. */
    timesteps: z.int().min(2).max(10_000).default(1000).describe('training timesteps'),
    /** What the network predicts (default: x0, of a flow velocity). */
    prediction: z
      .enum(['epsilon', 'x0', 'velocity'])
      .default('x0')
      .describe('what the network predicts (default: x0, of a flow velocity)'),
    /** Reverse variance; learned-range needs model.learnSigma. */
    variance: z
      .enum(['fixed-small', 'fixed-large', 'learned-range'])
      .default('fixed-small')
      .describe('reverse variance; learned-range needs model.learnSigma'),
    /** How training timesteps are drawn (default: uniform, of a flow logit-normal). */
    timestepSampler: z
      .enum(['uniform', 'loss-second-moment', 'logit-normal'])
      .default('uniform')
      .describe('how training timesteps are drawn (default: uniform, of a flow logit-normal)'),
    /** logit-normal: mean of the normal number of which a time is the sigmoid (default 0). */
    timestepMean: z
      .number()
      .optional()
      .describe('logit-normal: mean of the normal number of which a time is the sigmoid (default 0)'),
    /** logit-normal: standard deviation of that number (default 1). */
    timestepStd: z
      .number()
      .positive()
      .optional()
      .describe('logit-normal: standard deviation of that number (default 1)'),
  });

/** How long and how to train. */
const trainingSchema = () =>
  z.strictObject({
    /** Optimiser steps in all. */
    steps: positive().default(2000).describe('optimiser steps in all'),
    /** Images a step. */
    batchSize: positive().default(32).describe('images a step'),
    /** AdamW learning rate after warm-up. */
    learningRate: z.number().positive().default(1e-3).describe('AdamW learning rate after warm-up'),
    /** Factor on the learning rate of learngenes and tailors. */
    factorLearningRateScale: z
      .number()
      .positive()
      .default(1)
      .describe('factor on the learning rate of learngenes and tailors'),
    /** Steps of linear warm-up. */
    warmup: z.int().min(0).default(100).describe('steps of linear warm-up'),
    /** Learning rate after warm-up. */
    decay: z.enum(['constant', 'cosine']).default('constant').describe('learning rate after warm-up'),
    /** Steps over which a cosine decays (default: all). */
    decaySteps: positive().optional().describe('steps over which a cosine decays (default: all)'),
    /** Steps after which the learning rate stays as it is (default: none). */
    holdFrom: positive().optional().describe('steps after which the learning rate stays as it is (default: none)'),
    /** Decoupled weight decay of the dense parts. */
    weightDecay: z.number().min(0).default(0).describe('decoupled weight decay of the dense parts'),
    /** Largest global norm of the gradient. */
    clipNorm: z.number().positive().default(1).describe('largest global norm of the gradient'),
    /** Products of matrices; bf16 (with float32 sums and weights) needs the native engine and AVX512-BF16. */
    precision: z
      .enum(['f32', 'bf16'])
      .default('f32')
      .describe('products of matrices; bf16 (with float32 sums and weights) needs the native engine and AVX512-BF16'),
    /** Decay of the averaged weights that are sampled from. */
    emaDecay: fraction().default(0.999).describe('decay of the averaged weights that are sampled from'),
    /** Weight of ‖UᵀU−I‖² + ‖VᵀV−I‖² in the loss. */
    orthogonality: z.number().min(0).default(0).describe('weight of ‖UᵀU−I‖² + ‖VᵀV−I‖² in the loss'),
    /** Steps between checkpoints. */
    checkpointEvery: positive().default(500).describe('steps between checkpoints'),
    /** How many checkpoints stay on disk. */
    keepCheckpoints: positive().default(2).describe('how many checkpoints stay on disk'),
    /** Steps between lines of metrics.jsonl. */
    logEvery: positive().default(10).describe('steps between lines of metrics.jsonl'),
    /** Steps between sample grids; 0 for none. */
    sampleEvery: z.int().min(0).default(1000).describe('steps between sample grids; 0 for none'),
  });

/** How images are sampled. */
const samplingSchema = () =>
  z.strictObject({
    /** Sampler; flow matching takes euler or heun (default: ddim, of a flow euler). */
    sampler: z
      .enum(['ddpm', 'ddim', 'dpm-solver++', 'unipc', 'euler', 'heun'])
      .default('ddim')
      .describe('sampler; flow matching takes euler or heun (default: ddim, of a flow euler)'),
    /** Network evaluations (heun: two a step). */
    steps: positive().default(50).describe('network evaluations (heun: two a step)'),
    /** Classifier-free guidance scale; 1 is none. */
    guidance: z.number().min(0).default(1.5).describe('classifier-free guidance scale; 1 is none'),
    /** Noise of DDIM. */
    eta: fraction().default(0).describe('noise of DDIM'),
    /** How ddim spreads its timesteps: down from the last, or up from 0 as diffusers does by default (default: trailing). */
    spacing: z
      .enum(['trailing', 'leading'])
      .optional()
      .describe('how ddim spreads its timesteps: down from the last, or up from 0 (default: trailing)'),
    /** Keep predicted images inside [-1, 1], or inside [-c, c] (default: true, of latents false). */
    clip: z
      .union([z.boolean(), z.number().positive()])
      .default(true)
      .describe('keep predicted images inside [-1, 1], or inside [-c, c] (default: true, of latents false)'),
  });

const makeSchema = () =>
  z.strictObject({
    /** Seed of all randomness. */
    seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0).describe('seed of all randomness'),
    /** Which images, and what is done with them. */
    data: dataSchema().prefault({}).describe('which images, and what is done with them'),
    /** The autoencoder in whose latents the model works; without it, it works in pixels. */
    autoencoder: autoencoderSchema()
      .optional()
      .describe('the autoencoder in whose latents the model works; without it, it works in pixels'),
    /** The network. */
    model: modelSchema().prefault({}).describe('the network'),
    /** The diffusion process and its objective. */
    diffusion: diffusionSchema().prefault({}).describe('the diffusion process and its objective'),
    /** How long and how to train. */
    training: trainingSchema().prefault({}).describe('how long and how to train'),
    /** The loss on held-out images while training (default: not measured). */
    validation: validationSchema()
      .optional()
      .describe('the loss on held-out images while training (default: not measured)'),
    /** How images are sampled. */
    sampling: samplingSchema().prefault({}).describe('how images are sampled'),
  });

let schema: ReturnType<typeof makeSchema> | undefined;

/**
 * The schema of everything that is needed to repeat a run. It is made at the first call, so a bundler can leave it out.
 */
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
