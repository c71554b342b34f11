import { type Denoiser, guideDenoiser } from '@learngene/diffusion';
import { parseConfig, sampleImages } from '@learngene/pipeline';
import { createGenerator, stream } from '@learngene/random';
import type { Images } from '@learngene/report';
import type { Branch, DiffusionLearner } from '@learngene/trainer';
import type { Plan } from '../plan/plan';
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
  shape: readonly [height: number, width: number, channels: number];
  evaluation: Plan['evaluation'];
  /** Seed of the noise; a picture's noise depends on it and the place of the picture alone. */
  seed: number;
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

/** Which modes a method can be guided by. */
export function modesOf(learner: Pick<DiffusionLearner, 'agnostic'>): GuidanceMode[] {
  return learner.agnostic ? ['none', 'null-label', 'class-agnostic'] : ['none', 'null-label'];
}

/** `each` pictures of every class, class by class. */
export function sampleLabels(classes: number, each: number): Int32Array {
  return Int32Array.from({ length: classes * each }, (_, i) => Math.floor(i / each));
}

/** Draws pictures from the averaged weights; those of a diverged model are drawn all the same, and scored. */
export function drawSamples(learner: DiffusionLearner, options: DrawSamplesOptions): Promise<Images> {
  const { labels, guidance, shape, evaluation, seed, signal } = options;
  const { sampler, samplingSteps: steps } = evaluation;
  const { sampling } = parseConfig({ sampling: { sampler, steps, guidance: guidance.scale } }, 'plan');
  return sampleImages(diffusion, {
    count: labels.length,
    shape,
    batchSize: 64,
    sampling,
    denoiser: (start, end) => guided(learner, labels.slice(start, end), guidance),
    generator: (start) => stream(createGenerator(seed), `samples/${start}`),
    nonFinite: 'black',
    signal,
  });
}
