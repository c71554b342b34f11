import type { ImageDataset } from '@learngene/datasets';
import { type Denoiser, guideDenoiser } from '@learngene/diffusion';
import { type Decode, parseConfig, sampleImages } from '@learngene/pipeline';
import { createGenerator, stream } from '@learngene/random';
import type { Images } from '@learngene/report';
import type { Branch, DiffusionLearner } from '@learngene/trainer';
import { inputShape } from '../plan/base-spec';
import type { EvaluationPlan } from '../plan/benchmark-plan';
import type { GuidanceMode } from '../plan/result';
import { diffusion } from '../training/process';

/** How samples are guided. */
export interface Guidance {
  mode: GuidanceMode;
  scale: number;
}

/** What {@link drawSamples} draws. */
export interface DrawSamplesOptions {
  labels: Int32Array;
  guidance: Guidance;
  /** Height, width and channels of what the network denoises. */
  shape: readonly [height: number, width: number, channels: number];
  evaluation: EvaluationPlan;
  /** Seed of the noise: that of an image depends on the seed and the place of the image alone. */
  seed: number;
  /** From latents to images; without it the network denoises images. */
  decode?: Decode;
  signal: AbortSignal;
}

/** The network of some labels with guidance: conditional + (scale - 1) (conditional - unconditional). */
function guided(learner: DiffusionLearner, labels: Int32Array, { mode, scale }: Guidance): Denoiser {
  const branch =
    (which: Branch): Denoiser =>
    (x, t) =>
      learner.predict({ x, t, labels }, which);
  if (mode === 'none' || scale === 1) return branch('class');
  if (mode === 'class-agnostic' && !learner.agnostic)
    throw new Error('guidance: this method has no class-agnostic model');
  return guideDenoiser({ conditional: branch('class'), unconditional: branch(mode) }, { scale });
}

/** The guidance modes of a method. */
export function modesOf(learner: Pick<DiffusionLearner, 'agnostic'>): GuidanceMode[] {
  return learner.agnostic ? ['none', 'null-label', 'class-agnostic'] : ['none', 'null-label'];
}

/** The labels of `each` images of every class, class by class. */
export function sampleLabels(classes: number, each: number): Int32Array {
  return Int32Array.from({ length: classes * each }, (_, i) => Math.floor(i / each));
}

/** Height, width and channels of what a model of a dataset denoises. */
export function sampleShape(dataset: ImageDataset): readonly [height: number, width: number, channels: number] {
  const { height, width, channels } = inputShape(dataset);
  return [height, width, channels];
}

/** Draws images from the averaged weights. Latents are not clipped: their range is not that of pixels. Values that are not finite, as of a diverged model, become black and are scored. */
export function drawSamples(learner: DiffusionLearner, options: DrawSamplesOptions): Promise<Images> {
  const { labels, guidance, shape, evaluation, seed, decode, signal } = options;
  const { sampler, samplingSteps: steps } = evaluation;
  const asked = { sampler, steps, guidance: guidance.scale, ...(decode && { clip: false }) };
  const { sampling } = parseConfig({ sampling: asked }, 'plan');
  return sampleImages(diffusion, {
    count: labels.length,
    shape,
    batchSize: 64,
    sampling,
    denoiser: (start, end) => guided(learner, labels.slice(start, end), guidance),
    generator: (start) => stream(createGenerator(seed), `samples/${start}`),
    nonFinite: 'black',
    ...(decode && { decode }),
    signal,
  });
}
