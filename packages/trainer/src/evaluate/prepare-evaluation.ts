import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { classLabel, type ImageDataset, listNames } from '@learngene/datasets';
import type { MetricName } from '@learngene/metrics';
import { type ClassifierDescription, describeClassifier } from '@learngene/metrics/node';
import { type Config, ConfigError, type Progress, sampledShape } from '@learngene/pipeline';
import { expectArtifact, identify, isRunFolder, type PathSource } from '@learngene/pipeline/node';
import { checkGiven } from '../check-given';
import { checkHoldOut } from '../data/decode-data';
import { chooseClasses } from '../data/open-data';
import { checkShape, openRecipe } from '../data/run-data';
import { checkSameLatents } from '../latents/training-data';
import { checkReference, checkSizes, describeSamples, type ImageSize, type SampleDescription } from './check-inputs';
import { type PreparedDrawing, prepareDrawing } from './prepare-drawing';

/** What is to be scored, and what it is compared with. */
export interface EvaluationRequest {
  /** A run, bundle, demo or dense model that samples are drawn from; or else `samples`. */
  from?: string;
  /** A file of samples. */
  samples?: string;
  /** A file of real images or their statistics (default: the held-out data). */
  reference?: string;
  /** The figures that are wanted. */
  metrics: readonly MetricName[];
  /** The classifier's file, which may not be there yet (default: beside a run). */
  classifier?: string;
  /** Names of the classes that are drawn and compared (default: all). */
  classes?: readonly string[];
  /** Values of the configuration over the model's: its data, sampling and seed count. */
  requested: Record<string, unknown>;
  /** Where they stand, for messages. */
  source: string;
  /** Whether data are asked for by a path or a kind. */
  dataGiven: boolean;
  /** How a message calls a part of the request (default: by its name). */
  label?: (part: string) => string;
  /** Takes notes on the data. */
  progress: Progress;
}

/** A file of samples. */
export type PreparedSamples = SampleDescription & {
  /** Where it is. */
  path: string;
};

/** The classifier whose features are compared. */
export interface PreparedClassifier {
  /** Its file, which may not be there yet; none for one that is not kept. */
  path?: string;
  /** What it is, where its file is there. */
  description?: ClassifierDescription;
}

/** A prepared evaluation. Everything that is cheap to check is checked; no engine is started and no image decoded. */
export interface PreparedEvaluation {
  /** The whole configuration. */
  config: Config;
  /** The figures that are wanted. */
  metrics: readonly MetricName[];
  /** Absent for samples from a file. */
  drawing?: PreparedDrawing;
  /** The file of samples, with sizes and labels. */
  samples?: PreparedSamples;
  /** The file to compare with. */
  reference?: string;
  /** The classifier. */
  classifier: PreparedClassifier;
  /** Images of all classes of the model (of the data, where it has one), not decoded yet; absent with a reference. */
  view?: ImageDataset;
  /** The classes that are compared. */
  compared: readonly string[];
}

const byName = (part: string) => part;

/**
 * Checks all that is cheap: files, classes, sizes, and that there is something to compare with.
 *
 * @throws ConfigError naming the part of the request, what was expected and what came
 */
export async function prepareEvaluation(request: EvaluationRequest): Promise<PreparedEvaluation> {
  checkGiven('prepareEvaluation', 'request', request, ['metrics', 'requested', 'source', 'progress']);
  const { metrics, progress, label = byName } = request;
  await checkFiles(request);
  const { drawing, config } = await prepareDrawing(request);
  const from = drawing?.from;
  const classifier = await findClassifier(request.classifier, from?.path);
  const path = request.samples;
  const samples = path === undefined ? undefined : { path, ...(await describeSamples(path)) };
  checkClassifierSize(classifier, request, { from, samples });
  const common = { config, metrics, drawing, samples, classifier };
  if (request.reference !== undefined) {
    if (classifier.description === undefined) {
      throw new ConfigError(`evaluate: without data, give ${label('classifier')} with a trained classifier`);
    }
    await checkReference(request.reference, { metrics, classifier: classifier.description, label });
    return { ...common, reference: request.reference, compared: [] };
  }
  checkComparable(config, request);
  const network = from && { dit: from.dit, config: from.recipe };
  const { dataset, recipe, autoencoder } = await openRecipe(config.data, progress, network);
  if (network !== undefined) {
    checkSameLatents(network.config, autoencoder);
    checkShape(dataset, network);
  }
  if (samples !== undefined) {
    const fromFiles = recipe.source === 'folder' || recipe.source === 'emoji';
    const square = fromFiles && samples.height === samples.width;
    const hint = square ? `give ${label('size')} ${samples.height}` : undefined;
    checkSizes([`${label('samples')} ${path}`, samples], ['the data', dataset], hint);
  }
  // The classifier knows all classes of the model, so that it serves whichever of them are compared; of one class alone
  // it would learn nothing, so that it learns all of the data.
  const known = from && knownClasses(dataset, from.classNames);
  const model = chooseClasses(dataset, known ?? request.classes ?? dataset.classes).classes;
  const isTrained = classifier.description !== undefined;
  const wanted = model.length < 2 && !isTrained ? dataset.classes : model;
  if (wanted.length < 2 && !isTrained) {
    throw new ConfigError(
      `evaluate: a classifier needs two classes, and the data have ${listNames(wanted)} alone; give ${label('data')} with more, or ${label('classifier')}`,
    );
  }
  const compared = drawing ? drawing.ids.map((id) => drawing.from.classNames[id]) : model;
  checkCompared(dataset, compared, request);
  return { ...common, config: { ...config, data: recipe }, view: chooseClasses(dataset, wanted), compared };
}

/** The classes of a model that the data have: those that joined its bundle later may come from other data. */
function knownClasses({ classes }: ImageDataset, ofModel: readonly string[]): readonly string[] {
  const known = ofModel.filter((name) => classLabel(classes, name) >= 0);
  return known.length > 0 ? known : ofModel;
}

/** Throws where the data lack a class that is compared. */
function checkCompared(
  { classes, name }: ImageDataset,
  compared: readonly string[],
  { label = byName }: EvaluationRequest,
): void {
  const lacking = compared.filter((each) => classLabel(classes, each) < 0);
  if (lacking.length === 0) return;
  const rest = compared.filter((each) => !lacking.includes(each));
  const cure = rest.length > 0 ? `leave them out by ${label('classes')} (${listNames(rest)} are there), or ` : '';
  throw new ConfigError(
    `evaluate: ${name} has no images of ${listNames(lacking)}; ${cure}give ${label('data')} that have them`,
  );
}

/** Throws where a file that was named is not what its part of the request takes. */
async function checkFiles({ samples, reference, classifier, label = byName }: EvaluationRequest): Promise<void> {
  const npz = async (path: string, part: 'samples' | 'reference') => {
    if (!existsSync(path)) throw new ConfigError(`${label(part)} ${path}: no such file`);
    const isNpz = /\.np[yz]$/i.test(path);
    const { kind, what } = await identify(path);
    if (isNpz && (kind === 'images' || (kind === 'statistics' && part === 'reference'))) return;
    const expected = part === 'samples' ? 'an .npz with arr_0, or an .npy' : 'an .npz with arr_0, or with mu and sigma';
    const hint = kind === 'images' ? `; give packed images by ${label('data')}` : '';
    throw new ConfigError(`${label(part)} ${path}: expected ${expected}; this is ${what}${hint}`);
  };
  if (samples !== undefined) await npz(samples, 'samples');
  if (reference !== undefined) await npz(reference, 'reference');
  if (classifier !== undefined && existsSync(classifier)) {
    const expected = 'a classifier of images';
    await expectArtifact(classifier, { option: label('classifier'), kinds: ['classifier'], expected });
  }
}

/** The classifier that is named, or the one beside a run. */
async function findClassifier(named: string | undefined, from: string | undefined): Promise<PreparedClassifier> {
  const beside = from !== undefined && isRunFolder(from) ? join(from, 'classifier.safetensors') : undefined;
  const path = named ?? beside;
  if (path === undefined) return {};
  return existsSync(path) ? { path, description: await describeClassifier(path) } : { path };
}

function checkClassifierSize(
  { description }: PreparedClassifier,
  { label = byName, ...request }: EvaluationRequest,
  { from, samples }: { from?: PathSource; samples?: ImageSize },
): void {
  if (description === undefined) return;
  if (samples) {
    checkSizes([`${label('samples')} ${request.samples}`, samples], ['the classifier', description.config]);
  } else if (from) {
    const size = sampledShape(from.dit, from.recipe);
    checkSizes([`${label('from')} ${request.from}`, size], ['the classifier', description.config]);
  }
}

/** Throws where there are no data, or none of them was held out. */
function checkComparable(config: Config, { from, label = byName }: EvaluationRequest): void {
  if (config.data.source === undefined && config.data.path === undefined) {
    const why = from === undefined ? '' : ` (${from} does not say what it was trained on)`;
    throw new ConfigError(`evaluate: nothing to compare with${why}; give ${label('data')} or ${label('reference')}`);
  }
  if (config.data.holdOut === 0) throw nothingHeldOut(label);
  checkHoldOut(config);
}

/** The error of data of which no image is left to compare with. */
export function nothingHeldOut(label: (part: string) => string = byName): ConfigError {
  return new ConfigError(`data.holdOut: nothing was held out to compare with; give ${label('reference')}`);
}
