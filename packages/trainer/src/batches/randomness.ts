import {
  createLossSecondMoment,
  flowTimesteps,
  type GaussianDiffusion,
  type LossSecondMoment,
  sampleLossSecondMoment,
  uniformTimesteps,
  updateLossSecondMoment,
} from '@learngene/diffusion';
import type { DiffusionProcess } from '@learngene/pipeline';
import {
  createGenerator,
  type Generator,
  type GeneratorState,
  normal,
  restoreGenerator,
  saveGenerator,
  stream,
  uniform,
} from '@learngene/random';

/** What is drawn for one batch. */
export interface BatchDraws {
  /** [N] 1 where the label of an image is dropped, in the order in which the images came. */
  readonly dropped: Uint8Array;
  /** [N] timesteps. */
  readonly t: Int32Array | Float32Array;
  /** [N * H * W * C] standard normal noise. */
  readonly noise: Float32Array;
  /** [N] importance weights, where the sampler has any. */
  readonly weights?: Float32Array;
}

/** Where noise, timesteps and dropped labels come from. */
export interface BatchRandomness {
  /**
   * What noise and timesteps belong to when the batch is put in the order of its classes: the images, or the places in the
   * batch.
   */
  readonly drawnFor: 'images' | 'places';
  /** Draws for the batch of a step, counted from 0. */
  draw(step: number, size: { count: number; pixels: number }): BatchDraws;
  /** Takes the losses of the samples at their timesteps. */
  observe?(t: Int32Array | Float32Array, losses: Float32Array): void;
  /** JSON that {@link savedRandomness} continues from; empty where a step draws from nothing but its number. */
  state(): Readonly<Record<string, unknown>>;
}

/** The timesteps of a batch, of weight 1. */
function drawTimes(process: DiffusionProcess, size: number, generator: Generator): Int32Array | Float32Array {
  if (process.kind === 'flow') return flowTimesteps({ size, generator, distribution: { kind: 'logit-normal' } });
  return uniformTimesteps({ timesteps: process.timesteps, size, generator }).t;
}

const dropLabels = (generator: Generator, count: number, labelDropout: number) =>
  Uint8Array.from(uniform(generator, count), (u) => (u < labelDropout ? 1 : 0));

/** What {@link savedRandomness} draws by. */
export interface SavedRandomnessOptions {
  /** The diffusion process. */
  process: DiffusionProcess;
  /** How often a label is dropped. */
  labelDropout: number;
  /** The generator of a training that begins; it is advanced. */
  generator: Generator;
  /**
   * How timesteps are drawn (default 'uniform'). 'loss-second-moment' samples them by their losses (Nichol & Dhariwal,
   * 2021, section 3.3).
   */
  timestepSampler?: 'uniform' | 'loss-second-moment';
  /** Where to go on: what `state` returned. `generator` is not used then. */
  state?: Readonly<Record<string, unknown>>;
}

/**
 * Randomness from one generator, whose state a checkpoint keeps. Noise and timesteps belong to the places in the batch.
 *
 * @throws Error for 'loss-second-moment' with a flow, whose times are not numbered
 */
export function savedRandomness(options: SavedRandomnessOptions): BatchRandomness {
  const { process, labelDropout, timestepSampler = 'uniform', state } = options;
  const byLoss = timestepSampler === 'loss-second-moment';
  if (byLoss && process.kind === 'flow') {
    throw new Error("timestepSampler: expected 'uniform' for a flow, got 'loss-second-moment'");
  }
  const generator = state ? restoreGenerator(state.generator as GeneratorState) : options.generator;
  let moments: LossSecondMoment | undefined;
  if (state) moments = state.moments as LossSecondMoment | undefined;
  else if (byLoss) moments = createLossSecondMoment({ timesteps: (process as GaussianDiffusion).timesteps });
  return {
    drawnFor: 'places',
    draw(_, { count, pixels }) {
      const dropped = dropLabels(generator, count, labelDropout);
      const noise = normal(generator, count * pixels);
      const times = moments
        ? sampleLossSecondMoment(moments, { size: count, generator })
        : { t: drawTimes(process, count, generator) };
      return { dropped, noise, ...times };
    },
    observe(t, losses) {
      if (moments) moments = updateLossSecondMoment(moments, { t: Int32Array.from(t), losses });
    },
    state: () => ({ generator: saveGenerator(generator), moments }),
  };
}

/** What {@link streamRandomness} draws by. */
export interface StreamRandomnessOptions {
  /** The diffusion process. */
  process: DiffusionProcess;
  /** How often a label is dropped. */
  labelDropout: number;
  /** Seed of the training. */
  seed: number;
  /** Names the streams, so that two trainings with one seed draw apart. */
  purpose: string;
}

/**
 * Randomness from a stream of its own for every step. It depends on seed, purpose and step alone and belongs to the images:
 * every model sees the same images with the same noise, whatever order of the batch suits it.
 */
export function streamRandomness({ process, labelDropout, seed, purpose }: StreamRandomnessOptions): BatchRandomness {
  return {
    drawnFor: 'images',
    draw(step, { count, pixels }) {
      const generator = stream(createGenerator(seed), `${purpose}/${step}`);
      const dropped = dropLabels(generator, count, labelDropout);
      const t = drawTimes(process, count, generator);
      return { dropped, t, noise: normal(generator, count * pixels) };
    },
    state: () => ({}),
  };
}
