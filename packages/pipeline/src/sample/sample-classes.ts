import type { DitConfig } from '@learngene/dit';
import { createGenerator, stream } from '@learngene/random';
import type { Images } from '@learngene/report';
import type { Config, Sampling } from '../config/schema';
import { noProgress, type Progress } from '../progress';
import { sampledShape } from '../recipe/autoencoder';
import type { DiffusionProcess } from '../recipe/diffusion-process';
import { type DiffusionModel, guidedDenoiser, imageShape } from './guided-denoiser';
import { type SampleImagesOptions, sampleImages } from './sample-images';

/** What {@link sampleClasses} samples. */
export interface SampleClassesOptions extends Pick<SampleImagesOptions, 'decode' | 'onStep' | 'signal'> {
  /** The class id of every image, [N]. */
  readonly labels: Int32Array;
  /** Sampler, steps, guidance. */
  readonly sampling: Sampling;
  /** Seed of the noise. */
  readonly seed: number;
  /** Images at a time (default 32). */
  readonly batchSize?: number;
  /** Where progress is shown (default nowhere). */
  readonly progress?: Progress;
  /** The title of the progress bar (default `Sampling`). */
  readonly title?: string;
}

/**
 * Samples images of classes. The noise of an image depends on the seed, on its place and, with a sampler that draws noise
 * at every step, on the batch size.
 *
 * @param model - not disposed.
 * @throws NonFinitePixelsError that names the batch where a pixel is NaN or infinite; the signal's reason on abort
 */
export async function sampleClasses(
  model: DiffusionModel,
  process: DiffusionProcess,
  options: SampleClassesOptions,
): Promise<Images> {
  const { labels, sampling, seed, batchSize = 32, decode, onStep, signal } = options;
  const { progress = noProgress, title = 'Sampling' } = options;
  const generator = stream(createGenerator(seed), 'sampling');
  const bar = progress.startBar(title, Math.ceil(labels.length / batchSize) * sampling.steps, 'steps');
  try {
    return await sampleImages(process, {
      count: labels.length,
      shape: imageShape(model),
      batchSize,
      sampling,
      denoiser: (start, end) => guidedDenoiser(model, labels.subarray(start, end), sampling.guidance),
      generator: () => generator,
      decode,
      onStep: (event) => {
        bar.update(event.step);
        return onStep?.(event);
      },
      signal,
    });
  } finally {
    bar.stop();
  }
}

/** Bytes of one image that a model samples, after its latents are decoded. */
export function imageBytes({ dit, recipe }: { dit: DitConfig; recipe: Pick<Config, 'autoencoder'> }): number {
  const { height, width, channels } = sampledShape(dit, recipe);
  return height * width * channels;
}
