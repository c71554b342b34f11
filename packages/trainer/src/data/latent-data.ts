import { resolve } from 'node:path';
import { type ClassTable, DatasetFileError, type ImageDataset, listNames, mergeClasses } from '@learngene/datasets';
import { type Config, ConfigError, counted, type Progress } from '@learngene/pipeline';
import { labelsHash } from '../latents/labels';
import { isLatentFolder, type LatentManifest, type LatentOrigin } from '../latents/manifest';
import { datasetOfLatents, openLatents } from '../latents/open-latents';
import type { DataRecipe } from './complete-data';
import { openSource } from './open-source';
import { withoutSmallClasses } from './small-classes';

type DataConfig = Config['data'];

/** Refuses a folder of latents as the place of images: a configuration names it as what it is. */
export function refuseLatentFolder({ path, latents }: DataConfig): void {
  if (latents !== undefined || path === undefined || !isLatentFolder(path)) return;
  throw new ConfigError(`data.path: ${path} holds latents; give it as data.latents`);
}

/** What decides which images there are, with the values that stand for "not asked for". */
const DECIDED: { readonly [name in keyof DataConfig]?: unknown } = {
  source: undefined,
  size: undefined,
  split: 'train',
  variant: undefined,
  classNames: undefined,
  superclasses: undefined,
  minPerClass: 1,
  skinVariations: false,
  autoOrient: true,
};

/** Data and latents that are open. */
interface OpenLatentData {
  dataset: ImageDataset;
  recipe: DataRecipe;
  autoencoder: LatentOrigin;
}

/**
 * Opens a folder of latents as a dataset. The images that they are of are listed where they lie, and compared; where they are
 * gone, training goes on without them.
 *
 * @throws ConfigError for data that are not those of the latents, naming the field or the classes
 */
export async function openLatentData(
  data: DataConfig & { latents: string },
  progress: Progress,
): Promise<OpenLatentData> {
  const folder = resolve(data.latents);
  const opened = await openLatents(folder);
  const { manifest } = opened;
  const recipe = recipeOfLatents({ ...data, latents: folder }, manifest);
  const images = () => imagesOf(recipe, manifest, progress);
  let listed: ImageDataset | undefined;
  try {
    listed = await images();
  } catch (error) {
    if (!(error instanceof DatasetFileError)) throw error;
    progress.warn(
      `${folder}: the images are not there (${error.message}): training does without, an evaluation cannot`,
    );
  }
  progress.info(`Data: latents of ${manifest.name} in ${folder}`);
  const dataset = datasetOfLatents(opened, listed === undefined ? images : async () => listed);
  const least = Math.max(data.minPerClass, recipe.minPerClass);
  return { dataset: withoutSmallClasses(dataset, least, progress), recipe, autoencoder: manifest.autoencoder };
}

/** The data of the latents, with what is done with them as it was asked for. */
function recipeOfLatents(data: DataConfig & { latents: string }, { data: kept }: LatentManifest): DataRecipe {
  const text = (value: unknown) => JSON.stringify(value) ?? 'none';
  for (const [name, usual] of Object.entries(DECIDED) as [keyof DataConfig, unknown][]) {
    const [asked, found] = [text(data[name]), text(kept[name])];
    const larger = name === 'minPerClass' && data.minPerClass > kept.minPerClass;
    if (asked === found || asked === text(usual) || larger) continue;
    throw new ConfigError(`data.${name}: the latents in ${data.latents} are of data with ${found}, got ${asked}`);
  }
  const path = data.path === undefined ? kept.path : resolve(data.path);
  const decided = Object.fromEntries(
    Object.keys(DECIDED).flatMap((name) => {
      const value = kept[name as keyof DataConfig];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const { path: _, ...rest } = data;
  return {
    ...rest,
    ...decided,
    source: kept.source,
    minPerClass: Math.max(data.minPerClass, kept.minPerClass),
    ...(path === undefined ? {} : { path }),
  };
}

/** The images that latents are of, compared class by class. */
async function imagesOf(recipe: DataRecipe, manifest: LatentManifest, progress: Progress): Promise<ImageDataset> {
  const { latents: _, ...data } = { ...manifest.data, path: recipe.path };
  let dataset = await openSource(data, progress);
  if (data.superclasses !== undefined) {
    dataset = mergeClasses(dataset, data.superclasses as ClassTable, { missing: 'drop' });
  }
  dataset = withoutSmallClasses(dataset, data.minPerClass, progress);
  const { classes, images, labels, imageShape } = manifest;
  const where = recipe.path ?? recipe.source;
  if (dataset.classes.join('\n') !== classes.join('\n')) {
    throw new ConfigError(
      `data: ${where} has the classes ${listNames(dataset.classes, 20)}, the latents are of ${listNames(classes, 20)}; encode them anew`,
    );
  }
  if (dataset.size !== images || labelsHash(dataset.labels) !== labels) {
    throw new ConfigError(
      `data: ${where} has ${counted(dataset.size, 'image')}, the latents are of ${images}, or their classes differ; encode them anew`,
    );
  }
  const shape = [dataset.height, dataset.width, dataset.channels];
  if (shape.join() !== imageShape.join()) {
    throw new ConfigError(`data: ${where} has images ${shape.join('x')}, the latents are of ${imageShape.join('x')}`);
  }
  return dataset;
}
