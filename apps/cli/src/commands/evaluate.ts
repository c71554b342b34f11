import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import {
  datasetSource,
  type Evaluation,
  evaluate,
  type ImageSource,
  imageSource,
  type MetricName,
  type ReferenceStatistics,
} from '@learngene/metrics';
import { openSamples, readStatistics, referenceContent } from '@learngene/metrics/node';
import { Command, Option } from 'commander';
import { type ClassOptions, namedClasses, withClassOptions } from '../cli/classes';
import {
  type ConfigOptions,
  type EngineOption,
  list,
  type OutputOptions,
  outputOf,
  refuseUnreadSections,
  refuseUnused,
  requestedConfig,
  wholeNumber,
  withDataOptions,
  withEngineOption,
  withOutputOptions,
  withSeedOption,
} from '../cli/context';
import { UsageError } from '../cli/errors';
import { interruptSignal } from '../cli/interrupt';
import { checkMemory } from '../cli/memory';
import type { Output } from '../cli/output';
import { mergeConfig, parseConfig } from '../config/load';
import type { Config } from '../config/schema';
import { dataFromRecipe } from '../data/data-flags';
import { checkHoldOut, type DataPart, decodeData, partOf } from '../data/decode-data';
import { chooseClasses } from '../data/open-data';
import { checkShape, openRecipe } from '../data/training-data';
import { chooseEngine } from '../engines';
import { classAccuracy, type InDomainExtractor, openClassifier, trainExtractor } from '../evaluation/extractor';
import { noiseSource } from '../evaluation/noise';
import { type Drawable, describeDrawable } from '../run/drawable';
import { expectArtifact, identify } from '../run/identify';
import { isRunFolder } from '../run/run-folder';
import { drawPictures, imageBytes } from '../sampling/draw';
import { createProcess } from '../training/process';
import { classIds } from './sample';

interface EvaluateOptions extends OutputOptions, EngineOption, ConfigOptions, ClassOptions {
  from?: string;
  samples?: string;
  reference?: string;
  count: number;
  metrics: string[];
  convention: 'adm' | 'torch-fidelity';
  classifier?: string;
  classifierSteps: number;
}

const metricNames: readonly MetricName[] = ['fid', 'sfid', 'inception-score', 'kid', 'precision-recall'];

function checkMetrics(names: readonly string[]): MetricName[] {
  for (const name of names) {
    if (!metricNames.includes(name as MetricName)) {
      throw new UsageError(`--metrics: expected ${metricNames.join(', ')}, got ${name}`);
    }
  }
  return names as MetricName[];
}

/** What a model draws for the scores. */
interface Drawing {
  from: Drawable;
  /** Names of the classes that are drawn. */
  drawn: readonly string[];
  /** The class of every sample. */
  labels: Int32Array;
}

/** What is scored and what it is compared with, checked before an engine starts and a picture is decoded. */
interface Prepared {
  config: Config;
  /** Absent for samples from a file. */
  drawing?: Drawing;
  /** Images of all classes of the model, not decoded yet; absent with `--reference`. */
  view?: ImageDataset;
  /** The classes that are compared. */
  compared: readonly string[];
}

function drawingOf(from: Drawable, options: EvaluateOptions): Drawing {
  const { names } = from;
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

async function prepare(options: EvaluateOptions, output: Output): Promise<Prepared> {
  await checkFiles(options);
  const requested = await requestedConfig(options);
  const description = options.from === undefined ? undefined : await describeDrawable(options.from, output);
  const drawing = description && drawingOf(description, options);
  const asked = (requested.data ?? {}) as Partial<Config['data']>;
  const { data, sampling, seed } = requested;
  const kept = description && { ...description.config, data: dataFromRecipe(description.config.data, asked, options) };
  const given =
    kept === undefined ? requested : mergeConfig(kept as unknown as Record<string, unknown>, { data, sampling, seed });
  const config = parseConfig(given, options.config ?? 'options');
  if (options.reference !== undefined) return { config, drawing, compared: [] };
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
  // The classifier knows all classes of the model, so that it serves whichever of them are compared.
  const wanted = drawing?.from.names ?? namedClasses(options) ?? dataset.classes;
  const view = chooseClasses(dataset, wanted);
  return { config: { ...config, data: recipe }, drawing, view, compared: drawing?.drawn ?? view.classes };
}

interface SampleSet {
  /** A batch at a time: a file of samples may be larger than the memory. */
  images: ImageSource;
  labels?: ArrayLike<number>;
}

async function samplesOf(
  options: EvaluateOptions,
  { config, drawing }: Prepared,
  { output, signal }: { output: Output; signal: AbortSignal },
): Promise<SampleSet> {
  if (drawing === undefined) {
    const images = await openSamples(options.samples as string);
    return { images, labels: images.labels };
  }
  const model = await drawing.from.load();
  const { sampling, seed } = config;
  const { labels } = drawing;
  const images = await drawPictures(model, createProcess(config), { labels, sampling, seed, output, signal });
  return { images: imageSource(images), labels };
}

async function extractorOf(
  options: EvaluateOptions,
  {
    from,
    part,
    output,
    signal,
    seed,
  }: { from?: string; part?: DataPart; output: Output; signal: AbortSignal; seed: number },
): Promise<InDomainExtractor> {
  const beside = from !== undefined && isRunFolder(from) ? join(from, 'classifier.safetensors') : undefined;
  const path = options.classifier ?? beside;
  if (path !== undefined && existsSync(path)) {
    output.info(`Features by ${path}`);
    return openClassifier(path);
  }
  if (part === undefined) throw new UsageError('evaluate: without data, give --classifier with a trained classifier');
  const trained = await trainExtractor({
    train: part.train,
    heldOut: part.heldOut,
    steps: options.classifierSteps,
    seed,
    path,
    output,
    signal,
  });
  output.info(
    `Features by a new classifier${trained.accuracy === undefined ? '' : `, accuracy ${trained.accuracy.toFixed(3)} on held-out pictures`}`,
  );
  return trained;
}

function rows(result: Evaluation, extra: Record<string, number | undefined>): [string, string][] {
  const { fid, sfid, inceptionScore, kid, precisionRecall } = result;
  const number = (value: number | undefined) => value?.toPrecision(6);
  const all: [string, string | undefined][] = [
    ['FID', number(fid)],
    ['FID of noise', number(extra.noiseFid)],
    ['sFID', number(sfid)],
    ['Inception Score', inceptionScore && `${number(inceptionScore.mean)} ± ${number(inceptionScore.std)}`],
    ['KID', kid && `${number(kid.mean)} ± ${number(kid.std)}`],
    ['precision', number(precisionRecall?.precision)],
    ['recall', number(precisionRecall?.recall)],
    ['class accuracy of the samples', number(extra.accuracy)],
  ];
  return all.filter((row): row is [string, string] => row[1] !== undefined);
}

/** Real pictures, or their statistics where a file has them and the metrics need no more. */
async function referenceOf(path: string, metrics: readonly MetricName[]): Promise<ImageSource | ReferenceStatistics> {
  const { images, statistics } = await referenceContent(path);
  const needsImages = metrics.some((metric) => metric === 'kid' || metric === 'precision-recall');
  return statistics && !(images && needsImages) ? readStatistics(path) : openSamples(path);
}

/** Refuses what would change nothing in this call. */
function refuseWithoutPart(command: Command, options: EvaluateOptions): void {
  if (options.from !== undefined && options.samples !== undefined) {
    throw new UsageError('evaluate: give one of --from and --samples');
  }
  if (options.from === undefined && options.samples === undefined) {
    throw new UsageError('evaluate: give --from (a run or a bundle) or --samples (an npz or npy)');
  }
  for (const option of ['samples', 'reference'] as const) {
    const path = options[option];
    if (path !== undefined && !existsSync(path)) throw new UsageError(`--${option} ${path}: no such file`);
  }
  refuseUnreadSections(options, 'evaluate', ['data', 'sampling', 'seed']);
  if (options.samples !== undefined) {
    refuseUnused(command, ['count'], 'has no part with --samples: all samples of the file count');
  }
  if (options.reference !== undefined) {
    refuseUnused(command, ['data', 'dataPath', 'size', 'config'], 'has no part with --reference');
    if (options.samples !== undefined)
      refuseUnused(command, ['classes', 'class'], 'has no part in comparing two files');
  }
  if (options.classifier !== undefined && existsSync(options.classifier)) {
    refuseUnused(command, ['classifierSteps'], `has no part: ${options.classifier} is there and is not trained again`);
  }
}

/** `learngene evaluate`: scores of samples against real pictures. */
export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description('Score samples against real pictures: FID, sFID, Inception Score, KID, precision and recall')
    .option('--from <path>', 'run, bundle, demo or dense model to draw samples from')
    .option('--samples <file>', 'score the arr_0 of this npz, or this npy, of any size, instead of drawing')
    .option(
      '--reference <npz>',
      'pictures (arr_0) or statistics (mu, sigma) to compare with; default: the held-out data',
    )
    .option('--count <n>', 'samples to draw', wholeNumber('--count', 2), 256)
    .option('--metrics <names>', `of ${metricNames.join(', ')}`, list, ['fid', 'precision-recall'])
    .addOption(
      new Option('--convention <name>', 'whose conventions where programs differ')
        .choices(['adm', 'torch-fidelity'])
        .default('adm'),
    )
    .option('--classifier <file>', 'classifier to take features from; trained and written there if missing')
    .option(
      '--classifier-steps <n>',
      'training steps of a new classifier',
      wholeNumber('--classifier-steps', 1, 10_000_000),
      300,
    );
  withClassOptions(command, 'classes to draw and to compare with (default: all)');
  withDataOptions(command);
  withSeedOption(command);
  withEngineOption(command);
  withOutputOptions(command, [
    'learngene evaluate --from runs/emoji --count 500',
    'learngene evaluate --from runs/emoji --classes heart --metrics fid,kid --json',
    'learngene evaluate --samples samples.npz --data photos --size 32',
    'learngene evaluate --samples samples.npz --reference real.npz --classifier runs/emoji/classifier.safetensors',
  ]);
  return command.action(async (options: EvaluateOptions) => {
    const output = outputOf(options);
    const metrics = checkMetrics(options.metrics);
    refuseWithoutPart(command, options);
    const prepared = await prepare(options, output);
    const { config, view, compared } = prepared;
    await chooseEngine(options.engine, output);
    const { signal, release } = interruptSignal();
    try {
      let part: DataPart | undefined;
      let real: ImageDataset | undefined;
      if (view !== undefined) {
        const decoded = await decodeData(view, config.data, output);
        part = partOf(decoded, decoded.classes, config);
        real = partOf(decoded, compared, config).heldOut;
        if (real.size < 2) throw new UsageError('data.holdOut: nothing was held out to compare with; give --reference');
      }
      const { images, labels } = await samplesOf(options, prepared, { output, signal });
      const own = await extractorOf(options, {
        from: prepared.drawing?.from.path,
        part,
        output,
        signal,
        seed: config.seed,
      });
      const { extractor } = own;
      const reference = real ? datasetSource(real) : await referenceOf(options.reference as string, metrics);
      const bar = output.progress('Scoring', 1, 'pictures');
      const shared = { extractor, reference, convention: options.convention, signal };
      const reals = 'count' in reference ? reference.count : images.count;
      // KID draws subsets of 1000; of fewer pictures it takes all.
      const kid = { subsetSize: Math.min(1000, images.count, reals) };
      const result = await evaluate({ ...shared, samples: images, metrics, kid });
      bar.stop();
      const noise = metrics.includes('fid')
        ? await evaluate({ ...shared, samples: noiseSource(images, config.seed), metrics: ['fid'] })
        : undefined;
      const countable =
        labels !== undefined && part !== undefined && extractor.classes === Math.max(2, part.train.classes.length);
      const accuracy = countable ? await classAccuracy(extractor, images, labels) : undefined;
      own.dispose();
      for (const warning of result.warnings) output.warn(warning);
      for (const [name, value] of rows(result, { noiseFid: noise?.fid, accuracy }))
        output.print(`${name.padEnd(30)} ${value}`);
      output.result({ ...result, noiseFid: noise?.fid, classAccuracy: accuracy, classifierAccuracy: own.accuracy });
    } finally {
      release();
    }
  });
}
