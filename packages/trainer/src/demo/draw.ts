import type { ImageDataset } from '@learngene/datasets';
import type { KindModel } from '@learngene/kind';
import { type Config, createDiffusionProcess, type Decode, type Progress, sampleClasses } from '@learngene/pipeline';
import { openDecoder } from '@learngene/pipeline/node';
import type { Images } from '@learngene/report';
import { firstImages } from '../data/first-images';
import { gridLabels } from '../run/run-training';
import { resizeImages } from './enlarge';
import type { DemoPlan } from './plan';
import { rebuiltDataset } from './rebuilt-dataset';

/** Images of the classes that are learned first, and of the novel ones. */
export interface BothParts<T> {
  /** Of the classes that are learned first. */
  base: T;
  /** Of the novel classes. */
  novel: T;
}

/** What {@link drawBoth} draws, and with what. */
export interface DrawOptions {
  /** The models. */
  models: BothParts<KindModel>;
  /** The images that were trained on, with latents where the demo works in them. */
  train: BothParts<ImageDataset>;
  /** What the demo trains. */
  plan: DemoPlan;
  /** Its configuration. */
  config: Config;
  /** Seed of the noise. */
  seed: number;
  /** Shows the progress. */
  progress: Progress;
  /** Stops between two steps. */
  signal: AbortSignal;
}

/** What a demo shows. */
export interface Drawn {
  /** Samples, class after class, in the size in which they are scored. */
  samples: BothParts<Images>;
  /** The first training images of every class as the autoencoder gives them back; none of a demo in pixels. */
  rebuilt?: BothParts<Images>;
}

/** Images in a row of a grid. */
export const COLUMNS = 8;

/** Draws the samples of both parts, and what the autoencoder makes of real images. */
export async function drawBoth(options: DrawOptions): Promise<Drawn> {
  const { config, train } = options;
  const { decode, dispose } = await openDecoder(config);
  try {
    const samples = {
      base: await draw('base', 'Pre-training classes', decode, options),
      novel: await draw('novel', 'Novel classes', decode, options),
    };
    if (decode === undefined) return { samples };
    const rebuild = (images: ImageDataset) => firstImages(rebuiltDataset(images, decode), COLUMNS);
    return { samples, rebuilt: { base: await rebuild(train.base), novel: await rebuild(train.novel) } };
  } finally {
    dispose();
  }
}

async function draw(
  part: keyof BothParts<unknown>,
  title: string,
  decode: Decode | undefined,
  { models, plan, config, seed, progress, signal }: DrawOptions,
): Promise<Images> {
  const model = models[part];
  const { classes } = model.config.dit;
  const labels = gridLabels(classes, plan.samplesPerClass, classes);
  const { sampling } = config;
  const shared = { labels, sampling, seed, decode, progress, signal, title };
  return resizeImages(await sampleClasses(model, createDiffusionProcess(config), shared), plan.scoreSize);
}
