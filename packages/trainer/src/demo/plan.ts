import { ConfigError, type ConfigInput } from '@learngene/pipeline';

/** What the demo trains, and for how long. */
export interface DemoPlan {
  /** Classes that the model learns first. */
  pretraining: readonly string[];
  /** Classes that it has never seen and is then taught. */
  novel: readonly string[];
  /** Pre-training configuration. */
  config: ConfigInput;
  /** Steps of the transfer. */
  transferSteps: number;
  /** Steps of the classifier whose features are compared. */
  classifierSteps: number;
  /** Samples of each class that are scored. */
  samplesPerClass: number;
  /** Pixels a side of the images that are scored and shown; samples of another size are resized to it. */
  scoreSize: number;
}

const PRETRAINING = ['arrow', 'country-flag', 'face-concerned', 'geometric', 'heart', 'keycap', 'time', 'zodiac'];
const NOVEL = ['alphanum', 'face-neutral-skeptical'];

const COMMON = {
  seed: 0,
  data: { source: 'emoji', size: 32, classes: PRETRAINING, novel: NOVEL, holdOut: 0.25 },
  diffusion: { process: 'gaussian', schedule: 'cosine', prediction: 'x0' },
} as const;

/** Which demo is asked for. */
export interface DemoChoice {
  /** Whether it trains as long as good images take. */
  full: boolean;
  /** The autoencoder in whose latents it works. */
  autoencoder?: ConfigInput['autoencoder'];
}

/** Minutes on two cores without a compiler: big patches, so that a step is cheap; colours and shapes, not details. */
export const quickPlan: DemoPlan = {
  pretraining: PRETRAINING,
  novel: NOVEL,
  config: {
    ...COMMON,
    data: { ...COMMON.data, classes: [...PRETRAINING], novel: [...NOVEL] },
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

/**
 * The same model in latents of 8x8 positions: 64x64 pictures at the cost of a step of {@link quickPlan}. Nothing is mirrored, as
 * digits and letters are among the classes.
 *
 * @param autoencoder - its folder or its name; it halves 64 pixels three times.
 */
export function latentPlan(autoencoder: NonNullable<ConfigInput['autoencoder']>): DemoPlan {
  return {
    ...quickPlan,
    config: {
      ...quickPlan.config,
      data: { ...quickPlan.config.data, size: 64, flip: false },
      autoencoder,
      model: { ...quickPlan.config.model, patchSize: 2 },
      diffusion: { process: 'flow' },
      training: {
        ...quickPlan.config.training,
        steps: 1500,
        warmup: 50,
        emaDecay: 0.995,
        checkpointEvery: 500,
        sampleEvery: 500,
      },
      sampling: { sampler: 'euler', steps: 30, guidance: 1.5 },
    },
    transferSteps: 300,
  };
}

/** As long as good images take: small patches, a wider and deeper model. */
export const fullPlan: DemoPlan = {
  ...quickPlan,
  config: {
    ...quickPlan.config,
    model: { patchSize: 4, hiddenSize: 256, depth: 8, heads: 8, learngeneRank: 80, tailorRank: 16 },
    training: {
      ...quickPlan.config.training,
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

/** The largest patch that divides the image and leaves at least `across` patches a side. */
function patchFor(size: number, across: number): number {
  for (let patch = Math.floor(size / across); patch > 1; patch--) if (size % patch === 0) return patch;
  return 1;
}

/** The plan on other data: the same model and schedule, classes of that data, patches that divide its images. */
export function planFor(
  plan: DemoPlan,
  data: ConfigInput['data'],
  { size, pretraining, novel }: { size: number; pretraining: readonly string[]; novel: readonly string[] },
): DemoPlan {
  const across = 32 / (plan.config.model?.patchSize ?? 8);
  const model = plan.config.model;
  return {
    ...plan,
    pretraining,
    novel,
    scoreSize: size,
    config: {
      ...plan.config,
      data: { ...data, classes: [...pretraining], novel: [...novel], holdOut: plan.config.data?.holdOut },
      model: plan.config.autoencoder === undefined ? { ...model, patchSize: patchFor(size, across) } : model,
    },
  };
}

/** A plan with another number of pre-training steps, or as it is. */
export function withSteps(plan: DemoPlan, steps: number | undefined): DemoPlan {
  if (steps === undefined) return plan;
  return { ...plan, config: { ...plan.config, training: { ...plan.config.training, steps } } };
}

/**
 * The plan that is asked for: in latents where an autoencoder is named, else in pixels.
 *
 * @throws ConfigError for the long plan in latents, which there is none of
 */
export function demoPlan({ full, autoencoder }: DemoChoice): DemoPlan {
  if (autoencoder === undefined) return full ? fullPlan : quickPlan;
  if (full) throw new ConfigError('autoencoder: the long demo works in pixels and takes none; leave one of them out');
  return latentPlan(autoencoder);
}
