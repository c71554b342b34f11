import { type Config, classLabels, mergeConfig, type Progress, parseConfig } from '@learngene/pipeline';
import { describeAutoencoder, describeSource, type PathSource } from '@learngene/pipeline/node';
import { dataFromRecipe } from '../data/data-from-recipe';
import { readAskedAutoencoder } from '../latents/asked-autoencoder';

/** What is drawn, and from which model. */
export interface DrawingRequest {
  /** A run, bundle, demo or dense model that samples are drawn from. */
  from?: string;
  /** Names of the classes that are drawn (default: all). */
  classes?: readonly string[];
  /** Values of the configuration over the model's: its data, sampling and seed count. */
  requested: Record<string, unknown>;
  /** Where they stand, for messages. */
  source: string;
  /** Whether data are asked for by a path or a kind. */
  dataGiven: boolean;
  /** How a message calls a part of the request (default: by its name). */
  label?: (part: string) => string;
  /** Takes notes on the model. */
  progress: Progress;
}

/** What a model draws for the scores. */
export interface PreparedDrawing {
  /** The model. */
  from: PathSource;
  /** The numbers of the classes that are drawn. */
  ids: readonly number[];
}

const byName = (part: string) => part;

/** Describes the model that samples are drawn from, where there is one, and makes the whole configuration. */
export async function prepareDrawing(request: DrawingRequest): Promise<{ drawing?: PreparedDrawing; config: Config }> {
  const { progress, label = byName } = request;
  if (request.from === undefined) return { config: evaluationConfig(request) };
  const from = await describeSource(request.from, { progress, argument: label('from') });
  const drawing = { from, ids: classIds(from.classNames, request) };
  const config = evaluationConfig(request, from);
  await checkDecoder(config, request, from);
  return { drawing, config };
}

/** The numbers of the classes that are drawn; all where none is named. */
function classIds(names: readonly string[], { classes, label = byName }: DrawingRequest): number[] {
  if (classes === undefined) return names.map((_, id) => id);
  return classLabels(names, classes, { owner: 'the model', argument: label('classes') });
}

/** The model's configuration with the data, sampling and seed that were asked for on top. */
function evaluationConfig({ requested, source, dataGiven }: DrawingRequest, from?: PathSource): Config {
  if (from === undefined) return parseConfig(requested, source);
  const { data, sampling, seed, autoencoder } = requested;
  const otherData = dataGiven || (data as Partial<Config['data']> | undefined)?.source !== undefined;
  const kept: Record<string, unknown> = { ...from.recipe, data: dataFromRecipe(from.recipe.data, otherData) };
  return parseConfig(mergeConfig(kept, { data, sampling, seed, autoencoder }), source);
}

/** Throws where the autoencoder that decodes what is drawn is not there, or is not the model's. */
async function checkDecoder(
  { autoencoder }: Pick<Config, 'autoencoder'>,
  { requested }: DrawingRequest,
  { recipe }: PathSource,
): Promise<void> {
  const found = await readAskedAutoencoder(recipe, requested.autoencoder as Config['autoencoder']);
  if (found !== undefined && autoencoder !== undefined) describeAutoencoder(found.files, autoencoder);
}
