import { type ClassTable, type ImageDataset, listNames, mergeClasses, selectClasses } from '@learngene/datasets';
import { shippedSuperclasses } from '@learngene/datasets/node';
import type { Config, Progress } from '@learngene/pipeline';
import { ConfigError, classLabels } from '@learngene/pipeline';
import type { LatentOrigin } from '../latents/manifest';
import { completeData, type DataRecipe } from './complete-data';
import { openLatentData, refuseLatentFolder } from './latent-data';
import { openSource, USUAL_SIZE } from './open-source';
import { withoutSmallClasses } from './small-classes';

type DataConfig = Config['data'];

/** Images that are listed but not yet decoded, and where they come from. */
export interface OpenData {
  /** All classes, superclasses merged and small classes left out; image files are decoded when read. */
  dataset: ImageDataset;
  /** The recipe that a run or a bundle keeps. */
  recipe: DataRecipe;
  /** The autoencoder whose latents the dataset brings along, where it does. */
  autoencoder?: LatentOrigin;
}

/**
 * Opens the configured data without decoding an image, so that classes and sizes are checked first. A folder of latents brings
 * latents along; its images are read where they lie only when they are asked for.
 *
 * @param size - pixels a side of image files where the configuration names none: those of the model, else 32
 * @throws ConfigError as `completeData`, and DatasetFileError where files are missing or damaged
 */
export async function openData(
  data: Config['data'],
  progress: Progress,
  { size = USUAL_SIZE }: { size?: number } = {},
): Promise<OpenData> {
  const { latents } = data;
  if (latents !== undefined) return openLatentData({ ...data, latents }, progress);
  refuseLatentFolder(data);
  const complete = await completeData(data, progress);
  const fromFiles = ['folder', 'emoji', 'webdataset'].includes(complete.source);
  let recipe = fromFiles ? { ...complete, size: complete.size ?? size } : complete;
  let dataset = await openSource(recipe, progress);
  if (typeof recipe.superclasses === 'string') {
    recipe = { ...recipe, superclasses: (await shippedTable(recipe.superclasses, dataset)) as never };
  }
  if (recipe.superclasses !== undefined) {
    dataset = mergeClasses(dataset, recipe.superclasses as ClassTable, { missing: 'drop' });
  }
  return { dataset: withoutSmallClasses(dataset, recipe.minPerClass, progress), recipe };
}

/** The table of a shipped list for the classes of a dataset, as a recipe keeps it. */
async function shippedTable(list: string, { classes }: ImageDataset): Promise<ClassTable> {
  try {
    return (await shippedSuperclasses(list, classes)).table;
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ConfigError(`data.superclasses ${list}: ${cause.message}`, { argument: 'data.superclasses', cause });
  }
}

/**
 * The named classes of a dataset.
 *
 * @throws ConfigError where none is named, one is named twice, or one is not there, with those that are
 */
export function chooseClasses(dataset: ImageDataset, classes: readonly string[], argument = 'classes'): ImageDataset {
  return selectClasses(dataset, classLabels(dataset.classes, classes, { owner: dataset.name, argument }));
}

/** The classes to pre-train on, as the dataset spells them: those named, or all that are not novel. */
export function pretrainingClasses(dataset: ImageDataset, data: DataConfig): readonly string[] {
  const labelsOf = (names: readonly string[], argument: string) =>
    classLabels(dataset.classes, names, { owner: dataset.name, argument });
  const nameOf = (label: number) => dataset.classes[label];
  const novel = data.novel.length === 0 ? [] : labelsOf(data.novel, 'data.novel');
  if (data.classes !== undefined) {
    const chosen = labelsOf(data.classes, 'data.classes');
    const both = chosen.filter((label) => novel.includes(label)).map(nameOf);
    if (both.length > 0) throw new ConfigError(`data: ${listNames(both)} cannot be both in classes and in novel`);
    return chosen.map(nameOf);
  }
  const rest = dataset.classes.filter((_, label) => !novel.includes(label));
  if (rest.length > 0) return rest;
  throw new ConfigError('data.novel: no class is left to pre-train on', { argument: 'data.novel' });
}
