import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageDataset, listNames } from '@learngene/datasets';
import type { MetricName } from '@learngene/metrics';
import { type ClassifierDescription, describeClassifier } from '@learngene/metrics/node';
import type { Config } from '@learngene/pipeline';
import { checkEta, imageBytes, mergeConfig, parseConfig } from '@learngene/pipeline';
import { describeSource, expectArtifact, identify, isRunFolder, type PathSource } from '@learngene/pipeline/node';
import {
  checkHoldOut,
  checkReference,
  checkShape,
  checkSizes,
  chooseClasses,
  describeSamples,
  openRecipe,
  type PictureSize,
  type SampleDescription,
} from '@learngene/trainer/node';
import type { Command } from 'commander';
import { type ClassOptions, namedClasses } from '../cli/classes';
import {
  type ConfigOptions,
  type EngineOption,
  type OutputOptions,
  refuseUnused,
  requestedConfig,
} from '../cli/context';
import { UsageError } from '../cli/errors';
import { checkMemory } from '../cli/memory';
import type { Output } from '../cli/output';
import { checkTarget } from '../cli/target';
import { classIds } from '../commands/sample';
import { dataFromRecipe } from '../data/data-flags';

/** The options of `learngene evaluate`. */
export interface EvaluateOptions extends OutputOptions, EngineOption, ConfigOptions, ClassOptions {
  from?: string;
  samples?: string;
  reference?: string;
  count: number;
  metrics: string[];
  convention: 'adm' | 'torch-fidelity';
  classifier?: string;
  classifierSteps: number;
}

/** The file of the classifier: the one that is named, or the one beside a run; it may not be there yet. */
export function classifierPath({ classifier }: EvaluateOptions, from: string | undefined): string | undefined {
  if (classifier !== undefined) return classifier;
  return from !== undefined && isRunFolder(from) ? join(from, 'classifier.safetensors') : undefined;
}

/** What a model draws for the scores. */
interface Drawing {
  from: PathSource;
  /** Names of the classes that are drawn. */
  drawn: readonly string[];
  /** The class of every sample. */
  labels: Int32Array;
}

/** What is scored and what it is compared with, checked before an engine starts and a picture is decoded. */
export interface Prepared {
  config: Config;
  /** Absent for samples from a file. */
  drawing?: Drawing;
  /** Sizes and labels of the samples from a file. */
  samples?: SampleDescription;
  /** Images of all classes of the model (of the data, where it has one), not decoded yet; absent with `--reference`. */
  view?: ImageDataset;
  /** The classes that are compared. */
  compared: readonly string[];
}

function drawingOf(from: PathSource, options: EvaluateOptions): Drawing {
  const { classNames: names } = from;
  const ids = classIds(names, namedClasses(options));
  checkMemory('--count', `${options.count} images`, options.count * imageBytes(from.dit));
  const labels = Int32Array.from(
    { length: options.count },
    (_, i) => ids[Math.floor((i * ids.length) / options.count)],
  );
  return { from, drawn: ids.map((id) => names[id]), labels };
}

/** Throws where a file that was named is not what its option takes. */
async function checkFiles({ samples, reference, classifier }: EvaluateOptions): Promise<void> {
  const npz = async (path: string, option: string) => {
    const isNpz = /\.np[yz]$/i.test(path);
    const { kind, what } = await identify(path);
    if (isNpz && (kind === 'images' || (kind === 'statistics' && option === '--reference'))) return;
    const expected =
      option === '--samples' ? 'an .npz with arr_0, or an .npy' : 'an .npz with arr_0, or with mu and sigma';
    const hint = kind === 'images' ? '; give packed images by --data' : '';
    throw new UsageError(`${option} ${path}: expected ${expected}; this is ${what}${hint}`);
  };
  if (samples !== undefined) await npz(samples, '--samples');
  if (reference !== undefined) await npz(reference, '--reference');
  if (classifier !== undefined && existsSync(classifier)) {
    await expectArtifact(classifier, {
      option: '--classifier',
      kinds: ['classifier'],
      expected: 'a classifier of images',
    });
  }
}

function sizeOf({ dit }: PathSource): PictureSize {
  return { height: dit.inputSize, width: dit.inputSize, channels: dit.inChannels };
}

/** What the classifier of an evaluation is, where its file is there; where not, the file can be written. */
async function existingClassifier(
  options: EvaluateOptions,
  command: Command,
  from: string | undefined,
): Promise<ClassifierDescription | undefined> {
  const path = classifierPath(options, from);
  if (path === undefined) return undefined;
  if (!existsSync(path)) {
    checkTarget(path, { option: '--classifier', endings: ['.safetensors'], force: true });
    return undefined;
  }
  refuseUnused(command, ['classifierSteps'], `has no part: ${path} is there and is not trained again`);
  return describeClassifier(path);
}

/** Checks all that is cheap: files, classes, sizes, and that there is something to compare with. */
export async function prepareEvaluation(
  options: EvaluateOptions,
  { command, metrics, output }: { command: Command; metrics: readonly MetricName[]; output: Output },
): Promise<Prepared> {
  await checkFiles(options);
  const requested = await requestedConfig(options);
  const description =
    options.from === undefined
      ? undefined
      : await describeSource(options.from, { progress: output, argument: '--from' });
  const drawing = description && drawingOf(description, options);
  const asked = (requested.data ?? {}) as Partial<Config['data']>;
  const { data, sampling, seed } = requested;
  const kept = description && { ...description.recipe, data: dataFromRecipe(description.recipe.data, asked, options) };
  const given =
    kept === undefined ? requested : mergeConfig(kept as unknown as Record<string, unknown>, { data, sampling, seed });
  const config = parseConfig(given, options.config ?? 'options');
  const eta = options.set.find((assignment) => assignment.startsWith('sampling.eta='));
  if (eta !== undefined) checkEta(`--set ${eta}`, config.sampling);
  const classifier = await existingClassifier(options, command, drawing?.from.path);
  const samples = options.samples === undefined ? undefined : await describeSamples(options.samples);
  if (classifier !== undefined) {
    const size = samples ?? sizeOf((drawing as Drawing).from);
    checkSizes(
      [samples ? `--samples ${options.samples}` : `--from ${options.from}`, size],
      ['the classifier', classifier.config],
    );
  }
  if (options.reference !== undefined) {
    if (classifier === undefined) {
      throw new UsageError('evaluate: without data, give --classifier with a trained classifier');
    }
    await checkReference(options.reference, { metrics, classifier });
    return { config, drawing, samples, compared: [] };
  }
  if (config.data.source === undefined && config.data.path === undefined) {
    const why = options.from === undefined ? '' : ` (${options.from} does not say what it was trained on)`;
    throw new UsageError(`evaluate: nothing to compare with${why}; give --data or --reference`);
  }
  if (config.data.holdOut === 0) {
    throw new UsageError('data.holdOut: nothing was held out to compare with; give --reference');
  }
  checkHoldOut(config);
  const { dataset, recipe } = await openRecipe(config.data, output, drawing?.from.dit);
  if (drawing !== undefined) checkShape(dataset, drawing.from.dit);
  if (samples !== undefined) {
    const fromFiles = recipe.source === 'folder' || recipe.source === 'emoji';
    const hint = fromFiles && samples.height === samples.width ? `give --size ${samples.height}` : undefined;
    checkSizes([`--samples ${options.samples}`, samples], ['the data', dataset], hint);
  }
  // The classifier knows all classes of the model, so that it serves whichever of them are compared; of one class alone
  // it would learn nothing, so that it learns all of the data.
  const model = chooseClasses(dataset, drawing?.from.classNames ?? namedClasses(options) ?? dataset.classes).classes;
  const wanted = model.length < 2 && classifier === undefined ? dataset.classes : model;
  if (wanted.length < 2 && classifier === undefined) {
    throw new UsageError(
      `evaluate: a classifier needs two classes, and the data have ${listNames(wanted)} alone; give --data with more, or --classifier`,
    );
  }
  const view = chooseClasses(dataset, wanted);
  return { config: { ...config, data: recipe }, drawing, samples, view, compared: drawing?.drawn ?? model };
}
