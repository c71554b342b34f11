import { ConfigError, type ConfigInput } from '@learngene/pipeline';
import { FULL_PIXEL_PLAN, fullLatentPlan, latentPlan, PIXEL_PLAN } from './plans';

/** Steps of a demo's two trainings. */
export interface DemoSteps {
  /** Optimiser steps of the pre-training. */
  pretraining: number;
  /** Optimiser steps of the transfer. */
  transfer: number;
}

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
  /** Learning rate of the transfer (default: that of the pre-training). */
  transferLearningRate?: number;
  /** Steps in place of these on an engine that is much slower than `native` (default: the same). */
  slowEngineSteps?: DemoSteps;
  /** Steps of the classifier whose features are compared. */
  classifierSteps: number;
  /** Samples of each class that are scored. */
  samplesPerClass: number;
  /** Pixels a side of the images that are scored and shown; samples of another size are resized to it. */
  scoreSize: number;
}

/** Which demo is asked for. */
export interface DemoChoice {
  /** Whether it trains for hours. */
  full: boolean;
  /** Whether it works in pixels; else in latents. */
  pixels: boolean;
  /** The autoencoder in whose latents it works (default: the shipped one of emoji). */
  autoencoder?: ConfigInput['autoencoder'];
}

/**
 * The plan that is asked for.
 *
 * @throws ConfigError for an autoencoder of a demo in pixels
 */
export function demoPlan({ full, pixels, autoencoder }: DemoChoice): DemoPlan {
  if (!pixels) return full ? fullLatentPlan(autoencoder) : latentPlan(autoencoder);
  if (autoencoder !== undefined) {
    throw new ConfigError('autoencoder: a demo in pixels takes none; leave one of them out');
  }
  return full ? FULL_PIXEL_PLAN : PIXEL_PLAN;
}

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

/** Engines that train the small models of a demo several times faster than WebAssembly does. */
const FAST_ENGINES: readonly string[] = ['native', 'tfjs-node-gpu', 'webgpu'];

/**
 * The plan for an engine: with the fewer steps that it has for slow ones, or as it is. The number depends on the engine's name
 * alone, never on a clock, so that a demo can be repeated.
 */
export function planOn({ slowEngineSteps, ...plan }: DemoPlan, engine: string): DemoPlan {
  if (slowEngineSteps === undefined || FAST_ENGINES.includes(engine)) return plan;
  return { ...withSteps(plan, slowEngineSteps.pretraining), transferSteps: slowEngineSteps.transfer };
}

/** A plan with another number of pre-training steps, or as it is. */
export function withSteps(plan: DemoPlan, steps: number | undefined): DemoPlan {
  if (steps === undefined) return plan;
  return { ...plan, config: { ...plan.config, training: { ...plan.config.training, steps } } };
}
