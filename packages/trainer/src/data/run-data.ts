import { DatasetFileError, type ImageDataset, listNames, normalName } from '@learngene/datasets';
import type { DitConfig } from '@learngene/dit';
import {
  type Config,
  ConfigError,
  checkSameAutoencoder,
  classNamesOf,
  type Progress,
  recipeAutoencoder,
  sampledShape,
} from '@learngene/pipeline';
import type { RunRecord } from '@learngene/pipeline/node';
import { autoencoderAt, checkSameImages, describeAutoencoder, readAutoencoder } from '@learngene/pipeline/node';
import { DataError } from '../errors';
import { isLatentFolder } from '../latents/manifest';
import { checkSameLatents, encodeTrainingData, scaledLatents } from '../latents/training-data';
import { type DataPart, decodeData, partOf } from './decode-data';
import { chooseClasses, type OpenData, openData } from './open-data';

/**
 * Opens the data of a recipe, image files in the size of a model.
 *
 * @throws DataError of the code `data-missing` where they are not there any more
 */
export async function openRecipe(
  data: RunRecord['config']['data'],
  progress: Progress,
  model?: { dit: DitConfig; config: Pick<Config, 'autoencoder'> },
): Promise<OpenData> {
  try {
    return await openData(data, progress, { size: model && sampledShape(model.dit, model.config).height });
  } catch (error) {
    const gone = error instanceof ConfigError && error.code === 'data-missing' ? error : undefined;
    if (gone === undefined && !(error instanceof DatasetFileError)) throw error;
    const { message } = error as Error;
    throw new DataError(message, { code: 'data-missing', argument: gone?.argument, cause: error });
  }
}

/** Where the data of a run lie now, as far as it is not where its recipe says. */
export interface MovedData {
  /** The images. */
  readonly place?: string;
  /** The folder of latents. */
  readonly latents?: string;
  /** The autoencoder: its folder, or the name of a shipped one. */
  readonly autoencoder?: string;
}

/** Result of {@link reopenRunData}. */
export interface ReopenedRun<R extends RunRecord> {
  /** The record, with the place where the data lie now. */
  record: R;
  /** The images of the run's classes, not yet decoded. */
  view: ImageDataset;
}

/**
 * The images that a run trains on, opened anew and not yet decoded.
 *
 * @param moved - where data, latents and autoencoder lie now, if not where the run's recipe says
 * @returns the run's record with those places, and a view of its classes
 * @throws ConfigError where the data or `config.json` changed so that the run's model does not fit, where the images are not as
 * many, as large or in the same order as those that the run was started on, and for latents or an autoencoder that are others
 */
export async function reopenRunData<R extends RunRecord>(
  record: R,
  { progress, ...moved }: MovedData & { progress: Progress },
): Promise<ReopenedRun<R>> {
  const { model } = record;
  const config = await movedConfig(record.config, moved);
  const { dataset, recipe, autoencoder } = await openRecipe(config.data, progress, { dit: model.dit, config });
  checkSameLatents(config, autoencoder);
  const view = chooseClasses(dataset, config.data.classes ?? []);
  checkFits(view, record);
  if (record.images !== undefined) checkSameImages(view, record.images);
  else progress.warn('the run keeps no record of its images: whether these are the same could not be checked');
  return { record: { ...record, config: { ...config, data: recipe } }, view };
}

/** The configuration of a run whose data, latents or autoencoder have moved. */
async function movedConfig(config: Config, { place, latents, autoencoder }: MovedData): Promise<Config> {
  const data = {
    ...config.data,
    ...(place !== undefined && { path: place }),
    ...(latents !== undefined && { latents }),
  };
  if (latents !== undefined && config.data.latents === undefined) {
    throw new ConfigError('data.latents: the run takes no folder of latents; leave it out', {
      argument: 'data.latents',
    });
  }
  if (data.latents !== undefined && !isLatentFolder(data.latents)) {
    throw new ConfigError(
      `data.latents: there are no latents in ${data.latents}; if they are elsewhere now, say where`,
      {
        argument: 'data.latents',
      },
    );
  }
  if (autoencoder === undefined) return { ...config, data };
  const wanted = recipeAutoencoder(config);
  if (wanted === undefined) {
    throw new ConfigError('autoencoder: the model works in pixels and takes none; leave it out', {
      argument: 'autoencoder',
    });
  }
  const files = await readAutoencoder(autoencoderAt(autoencoder));
  checkSameAutoencoder(wanted, files, { argument: 'autoencoder', owner: 'the model works in latents' });
  return { ...config, data, autoencoder: describeAutoencoder(files, wanted) };
}

/**
 * The images of a run, decoded, or their latents: those to train on, and those held out. Latents that the data bring along are
 * taken as they are; else the images are encoded, which needs an engine.
 */
export async function decodeRunData(
  view: ImageDataset,
  { config }: Pick<RunRecord, 'config'>,
  progress: Progress,
): Promise<DataPart> {
  const recipe = recipeAutoencoder(config);
  if (recipe !== undefined && view.latents !== undefined) {
    return partOf(scaledLatents(view, recipe), view.classes, config);
  }
  const decoded = await decodeData(view, config.data, progress);
  const part = partOf(decoded, view.classes, config);
  const { enlarged } = decoded;
  const images = recipe === undefined ? part : await encodeTrainingData(part, config, progress);
  return { ...images, ...(enlarged && { enlarged }) };
}

/** Throws where a model does not take the images of a dataset, or their latents. */
export function checkShape(
  data: ImageDataset,
  { dit, config }: { dit: DitConfig; config: Pick<Config, 'autoencoder'> },
): void {
  const { height, width, channels } = sampledShape(dit, config);
  if (data.height === height && data.width === width && data.channels === channels) return;
  const came = `${data.height}x${data.width}x${data.channels}`;
  throw new ConfigError(`data: the model takes ${height}x${width}x${channels}, got ${came}`);
}

/** Throws where a model does not take the images or the classes of a dataset. */
export function checkFits(data: ImageDataset, { model, config }: Pick<RunRecord, 'model' | 'config'>): void {
  checkShape(data, { dit: model.dit, config });
  const names = classNamesOf(model);
  if (
    names.length !== data.classes.length ||
    names.some((name, id) => normalName(name) !== normalName(data.classes[id]))
  ) {
    throw new ConfigError(
      `data: the model has the classes ${listNames(names, 40)}, got ${listNames(data.classes, 40)}`,
    );
  }
}
