import type { ConfigInput } from '@learngene/pipeline';
import type { DemoPlan } from './plan';

const PRETRAINING = ['arrow', 'country-flag', 'face-concerned', 'geometric', 'heart', 'keycap', 'time', 'zodiac'];
const NOVEL = ['alphanum', 'face-neutral-skeptical'];

/** The autoencoder of an own package that is installed with this one. */
const SHIPPED = { name: 'emoji' };

const DATA = {
  source: 'emoji',
  size: 32,
  classes: [...PRETRAINING],
  novel: [...NOVEL],
  holdOut: 0.25,
} satisfies ConfigInput['data'];

/** Minutes on two cores without a compiler: big patches, so that a step is cheap; colours and shapes, not details. */
export const PIXEL_PLAN: DemoPlan = {
  pretraining: PRETRAINING,
  novel: NOVEL,
  config: {
    seed: 0,
    data: DATA,
    diffusion: { process: 'gaussian', schedule: 'cosine', prediction: 'x0' },
    model: { patchSize: 8, hiddenSize: 192, depth: 4, heads: 6, learngeneRank: 64, tailorRank: 8 },
    training: {
      steps: 600,
      batchSize: 48,
      learningRate: 1.5e-3,
      warmup: 30,
      decay: 'cosine',
      emaDecay: 0.99,
      checkpointEvery: 200,
      logEvery: 10,
      sampleEvery: 300,
    },
    sampling: { sampler: 'ddim', steps: 25, guidance: 1.5 },
  },
  transferSteps: 200,
  classifierSteps: 250,
  samplesPerClass: 16,
  scoreSize: 64,
};

/** Hours in pixels: small patches, a wider and deeper model. */
export const FULL_PIXEL_PLAN: DemoPlan = {
  ...PIXEL_PLAN,
  config: {
    ...PIXEL_PLAN.config,
    model: { patchSize: 4, hiddenSize: 256, depth: 8, heads: 8, learngeneRank: 80, tailorRank: 16 },
    training: {
      ...PIXEL_PLAN.config.training,
      steps: 30_000,
      batchSize: 64,
      learningRate: 8e-4,
      warmup: 500,
      emaDecay: 0.9995,
      checkpointEvery: 500,
      sampleEvery: 2000,
    },
    sampling: { sampler: 'ddim', steps: 50, guidance: 1.5 },
  },
  transferSteps: 3000,
  classifierSteps: 1000,
  samplesPerClass: 64,
};

/** Data and objective of a plan in pixels turned into those of latents of 8x8 positions of 64x64 pixels. */
function inLatents(plan: DemoPlan, autoencoder: ConfigInput['autoencoder']): DemoPlan {
  return {
    ...plan,
    config: {
      ...plan.config,
      data: { ...DATA, size: 64, flip: false },
      autoencoder,
      diffusion: { process: 'flow' },
      sampling: { sampler: 'euler', steps: 30, guidance: 1.5 },
    },
  };
}

/**
 * Pictures of 64x64 at the cost of a step of {@link PIXEL_PLAN}: the same network with as many tokens, each of 2x2 positions of a
 * latent. Nothing is mirrored, as digits and letters are among the classes.
 *
 * @param autoencoder - its folder or its name; it halves 64 pixels three times.
 */
export function latentPlan(autoencoder: ConfigInput['autoencoder'] = SHIPPED): DemoPlan {
  const plan = inLatents(PIXEL_PLAN, autoencoder);
  return {
    ...plan,
    config: {
      ...plan.config,
      model: { ...plan.config.model, patchSize: 2 },
      training: {
        ...plan.config.training,
        steps: 2000,
        warmup: 50,
        emaDecay: 0.995,
        checkpointEvery: 500,
        sampleEvery: 500,
      },
    },
    transferSteps: 600,
    transferLearningRate: 8e-3, // tailors alone are trained: few numbers, which start at random
    slowEngineSteps: { pretraining: 800, transfer: 250 },
  };
}

/** Hours in latents: the model of {@link FULL_PIXEL_PLAN} with as many tokens, each one position of a latent. */
export function fullLatentPlan(autoencoder: ConfigInput['autoencoder'] = SHIPPED): DemoPlan {
  const plan = inLatents(FULL_PIXEL_PLAN, autoencoder);
  return { ...plan, config: { ...plan.config, model: { ...plan.config.model, patchSize: 1 } } };
}
