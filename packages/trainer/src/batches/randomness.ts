import {
  createLossSecondMoment,
  type FlowTimeDistribution,
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
   * Whether noise and timesteps move with the images when the batch is ordered by class, or stay at their positions in
   * the batch.
   */
  readonly drawnFor: 'images' | 'places';
  /** Draws for the batch of a step, counted from 0. */
  draw(step: number, size: { count: number; pixels: number }): BatchDraws;
  /** Receives the losses of the samples at their timesteps. */
  observe?(t: Int32Array | Float32Array, losses: Float32Array): void;
  /**
   * State as JSON, from which {@link savedRandomness} continues. It is empty where the draws of a step depend only on
   * its number.
   */
  state(): Readonly<Record<string, unknown>>;
}

/** The times of a flow where nothing else is asked for. */
const STANDARD: FlowTimeDistribution = { kind: 'logit-normal' };

/** Draws the timesteps of a batch, of weight 1. */
function drawTimes(
  process: DiffusionProcess,
  {
    size,
    generator,
    distribution = STANDARD,
  }: { size: number; generator: Generator; distribution?: FlowTimeDistribution },
): Int32Array | Float32Array {
  if (process.kind === 'flow') return flowTimesteps({ size, generator, distribution });
  return uniformTimesteps({ timesteps: process.timesteps, size, generator }).t;
}

/** Refuses a way of drawing timesteps that a process does not have. */
function checkSampler(
  process: DiffusionProcess,
  sampler: FlowTimeDistribution | 'loss-second-moment' | undefined,
): void {
  if (sampler === undefined || sampler === 'uniform') return;
  if (process.kind === 'flow' && sampler === 'loss-second-moment') {
    throw new Error("timestepSampler: expected 'uniform' or logit-normal for a flow, got 'loss-second-moment'");
  }
  if (process.kind !== 'flow' && sampler !== 'loss-second-moment') {
    throw new Error(
      "timestepSampler: expected 'uniform' or 'loss-second-moment' for Gaussian diffusion, got logit-normal",
    );
  }
}

const dropLabels = (generator: Generator, count: number, labelDropout: number) =>
  Uint8Array.from(uniform(generator, count), (u) => (u < labelDropout ? 1 : 0));

/** Settings of {@link savedRandomness}. */
export interface SavedRandomnessOptions {
  /** The diffusion process. */
  process: DiffusionProcess;
  /** How often a label is dropped. */
  labelDropout: number;
  /** The generator for a training from the beginning; it is advanced. */
  generator: Generator;
  /**
   * How timesteps are drawn (default 'uniform', of a flow logit-normal). 'loss-second-moment' samples them by their losses
   * (Nichol & Dhariwal, 2021, section 3.3); logit-normal times are of a flow alone (Esser et al. 2024, eq. 19).
   */
  timestepSampler?: FlowTimeDistribution | 'loss-second-moment';
  /** An earlier `state()` to continue from. Then `generator` is not used. */
  state?: Readonly<Record<string, unknown>>;
}

/**
 * Randomness from one generator, whose state a checkpoint keeps. Noise and timesteps stay at their positions in the
 * batch.
 *
 * @throws Error for 'loss-second-moment' with a flow, whose times are not numbered, and for logit-normal with anything else
 */
export function savedRandomness(options: SavedRandomnessOptions): BatchRandomness {
  const { process, labelDropout, timestepSampler, state } = options;
  checkSampler(process, timestepSampler);
  const byLoss = timestepSampler === 'loss-second-moment';
  const distribution = byLoss ? undefined : timestepSampler;
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
        : { t: drawTimes(process, { size: count, generator, distribution }) };
      return { dropped, noise, ...times };
    },
    observe(t, losses) {
      if (moments) moments = updateLossSecondMoment(moments, { t: Int32Array.from(t), losses });
    },
    state: () => ({ generator: saveGenerator(generator), moments }),
  };
}

/** Settings of {@link streamRandomness}. */
export interface StreamRandomnessOptions {
  /** The diffusion process. */
  process: DiffusionProcess;
  /** How often a label is dropped. */
  labelDropout: number;
  /** Seed of the training. */
  seed: number;
  /** Name of the streams: trainings with one seed and different purposes draw different numbers. */
  purpose: string;
  /** How the times of a flow are drawn (default logit-normal). */
  timestepSampler?: FlowTimeDistribution;
}

/**
 * Randomness that has a stream for every step. It depends only on seed, purpose and step, and moves with the images. So
 * every model sees the same images with the same noise, whatever the order of its batches.
 *
 * @throws Error for logit-normal times of anything but a flow
 */
export function streamRandomness(options: StreamRandomnessOptions): BatchRandomness {
  const { process, labelDropout, seed, purpose, timestepSampler } = options;
  checkSampler(process, timestepSampler);
  return {
    drawnFor: 'images',
    draw(step, { count, pixels }) {
      const generator = stream(createGenerator(seed), `${purpose}/${step}`);
      const dropped = dropLabels(generator, count, labelDropout);
      const t = drawTimes(process, { size: count, generator, distribution: timestepSampler });
      return { dropped, t, noise: normal(generator, count * pixels) };
    },
    state: () => ({}),
  };
}
