import { type Denoiser, guideDenoiser } from '@learngene/diffusion';
import { parseConfig, runSampler } from '@learngene/pipeline';
import { createGenerator, normal, stream } from '@learngene/random';
import type { Images } from '@learngene/report';
import * as tf from '@tensorflow/tfjs-core';
import type { Branch, Learner } from '../learners/learner';
import { diffusion } from '../learners/process';
import type { Plan } from '../plan/plan';
import type { GuidanceMode } from '../plan/result';

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
  onStep?: (done: number) => void;
}

const batchSize = 64;

/** The network of some labels with guidance: conditional + (scale - 1) (conditional - unconditional). */
function guided(learner: Learner, labels: Int32Array, { mode, scale }: Guidance): Denoiser {
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
export function modesOf(learner: Pick<Learner, 'agnostic'>): GuidanceMode[] {
  return learner.agnostic ? ['none', 'null-label', 'class-agnostic'] : ['none', 'null-label'];
}

/** `each` pictures of every class, class by class. */
export function sampleLabels(classes: number, each: number): Int32Array {
  return Int32Array.from({ length: classes * each }, (_, i) => Math.floor(i / each));
}

/** Draws pictures from the averaged weights. */
export async function drawSamples(learner: Learner, options: DrawSamplesOptions): Promise<Images> {
  const { labels, guidance, shape, evaluation, seed, signal, onStep } = options;
  const [height, width, channels] = shape;
  const pixels = height * width * channels;
  const { sampler, samplingSteps: steps } = evaluation;
  const { sampling } = parseConfig({ sampling: { sampler, steps, guidance: guidance.scale } }, 'plan');
  const data = new Uint8Array(labels.length * pixels);
  for (let start = 0; start < labels.length; start += batchSize) {
    const own = labels.slice(start, start + batchSize);
    const generator = stream(createGenerator(seed), `samples/${start}`);
    const noise = tf.tensor4d(normal(generator, own.length * pixels), [own.length, height, width, channels]);
    try {
      const images = await runSampler(diffusion, guided(learner, own, guidance), {
        noise,
        generator,
        sampling,
        signal,
      });
      data.set(
        Uint8Array.from(await images.data(), (v) => Math.min(255, Math.max(0, Math.round((v + 1) * 127.5)))),
        start * pixels,
      );
      images.dispose();
    } finally {
      noise.dispose();
    }
    onStep?.(Math.min(1, (start + batchSize) / labels.length));
  }
  return { data, count: labels.length, height, width, channels };
}
