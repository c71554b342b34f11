import { existsSync } from 'node:fs';
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
import { createDiffusionProcess, sampleClasses } from '@learngene/pipeline';
import { mapLabels, type NamedLabels, noiseSource } from '@learngene/trainer';
import {
  classAccuracy,
  type DataPart,
  decodeData,
  type InDomainExtractor,
  openClassifier,
  partOf,
  trainExtractor,
} from '@learngene/trainer/node';
import { Command, Option } from 'commander';
import { withClassOptions } from '../cli/classes';
import {
  list,
  outputOf,
  refuseUnreadSections,
  refuseUnused,
  wholeNumber,
  withDataOptions,
  withEngineOption,
  withOutputOptions,
  withSeedOption,
} from '../cli/context';
import { UsageError } from '../cli/errors';
import { interruptSignal } from '../cli/interrupt';
import type { Output } from '../cli/output';
import { startEngine } from '../cli/start-engine';
import { classifierPath, type EvaluateOptions, type Prepared, prepareEvaluation } from '../evaluation/prepare';

const METRIC_NAMES: readonly MetricName[] = ['fid', 'sfid', 'inception-score', 'kid', 'precision-recall'];

function checkMetrics(names: readonly string[]): MetricName[] {
  if (names.length === 0) throw new UsageError(`--metrics: expected some of ${METRIC_NAMES.join(', ')}, got none`);
  for (const name of names) {
    if (!METRIC_NAMES.includes(name as MetricName)) {
      throw new UsageError(`--metrics: expected ${METRIC_NAMES.join(', ')}, got ${name}`);
    }
  }
  return names as MetricName[];
}

interface SampleSet extends NamedLabels {
  /** A batch at a time: a file of samples may be larger than the memory. */
  images: ImageSource;
}

async function samplesOf(
  options: EvaluateOptions,
  { config, drawing, samples }: Prepared,
  { output, signal }: { output: Output; signal: AbortSignal },
): Promise<SampleSet> {
  if (drawing === undefined) {
    const images = await openSamples(options.samples as string);
    return { images, labels: samples?.labels, names: samples?.classes };
  }
  const model = await drawing.from.load();
  const { sampling, seed } = config;
  const { labels } = drawing;
  const images = await sampleClasses(model, createDiffusionProcess(config), {
    labels,
    sampling,
    seed,
    progress: output,
    signal,
  });
  return { images: imageSource(images), labels, names: drawing.from.classNames };
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
  const path = classifierPath(options, from);
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
  if (path !== undefined) output.info(`Wrote ${path}; later evaluations take it as it is`);
  return trained;
}

/** The share of samples that are taken for their class; where it cannot be told, a line says why. */
async function accuracyOf(
  { extractor, classes }: InDomainExtractor,
  { images, ...named }: SampleSet,
  output: Output,
): Promise<number | undefined> {
  const mapped = mapLabels(named, classes);
  if ('labels' in mapped) return classAccuracy(extractor, images, mapped.labels);
  const tell = named.labels === undefined ? output.info : output.warn;
  tell(`the class accuracy is left out: ${mapped.why}`);
  return undefined;
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
    .option('--metrics <names>', `of ${METRIC_NAMES.join(', ')}`, list, ['fid', 'precision-recall'])
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
    const prepared = await prepareEvaluation(options, { command, metrics, output });
    const { config, view, compared } = prepared;
    await startEngine(options.engine, output);
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
      const samples = await samplesOf(options, prepared, { output, signal });
      const { images } = samples;
      const own = await extractorOf(options, {
        from: prepared.drawing?.from.path,
        part,
        output,
        signal,
        seed: config.seed,
      });
      const { extractor } = own;
      const reference = real ? datasetSource(real) : await referenceOf(options.reference as string, metrics);
      const bar = output.startBar('Scoring', 1, 'pictures');
      const shared = { extractor, reference, convention: options.convention, signal };
      const reals = 'count' in reference ? reference.count : images.count;
      // KID draws subsets of 1000; of fewer pictures it takes all.
      const kid = { subsetSize: Math.min(1000, images.count, reals) };
      const result = await evaluate({ ...shared, samples: images, metrics, kid });
      bar.stop();
      const noise = metrics.includes('fid')
        ? await evaluate({ ...shared, samples: noiseSource(images, config.seed), metrics: ['fid'] })
        : undefined;
      const accuracy = await accuracyOf(own, samples, output);
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
