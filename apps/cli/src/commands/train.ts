import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import { countDitMacs, countDitParams, ditPrefixes, withoutPrefix } from '@learngene/dit';
import { countKind, initKindTraining, type KindConfig, type KindParams, kindFromDenseAsync } from '@learngene/kind';
import { disposeParams } from '@learngene/nn';
import type { Config } from '@learngene/pipeline';
import {
  checkpointSteps,
  denseFile,
  denseParams,
  expectArtifact,
  imageRecord,
  RUN_FORMAT,
  type RunRecord,
  readRunRecord,
} from '@learngene/pipeline/node';
import { createGenerator, stream } from '@learngene/random';
import { readSafetensors } from '@learngene/tensor-io/node';
import { checkDenseSettings, modelConfig, networkConfig } from '@learngene/trainer';
import {
  checkHoldOut,
  checkNewRun,
  chooseClasses,
  createRunFolder,
  decodeTrainingData,
  openData,
  pretrainingClasses,
  readMetricsLog,
  reopenRunData,
  runTraining,
  versions,
  writeRunRecord,
} from '@learngene/trainer/node';
import { Command, Option } from 'commander';
import { type ClassOptions, namedClasses, namedNovel, withClassOptions, withNovelOptions } from '../cli/classes';
import {
  type ConfigOptions,
  type EngineOption,
  type OutputOptions,
  outputOf,
  refuseConfigOnResume,
  refuseUnused,
  requestedConfig,
  resolveConfig,
  withDataOptions,
  withEngineOption,
  withOutputOptions,
  withSeedOption,
  withTrainingOptions,
} from '../cli/context';
import { asUsageError, UsageError } from '../cli/errors';
import { interruptible } from '../cli/interrupt';
import type { Output } from '../cli/output';
import { startEngine } from '../cli/start-engine';

interface TrainOptions extends OutputOptions, EngineOption, ConfigOptions, ClassOptions {
  out: string;
  resume: boolean;
  dryRun: boolean;
  dense?: string;
  kind: 'kind' | 'dense';
}

interface FromDenseOptions {
  seed: number;
  output: Output;
}

/** Factors the weights of a dense DiT in any of the known layouts. */
async function fromDense(path: string, config: KindConfig, { seed, output }: FromDenseOptions): Promise<KindParams> {
  const { tensors: stored } = await readSafetensors(path);
  const prefixes = ditPrefixes(stored);
  if (prefixes.length > 1)
    throw new UsageError(`--dense: ${path} holds several models, under ${prefixes.join(', ')}; keep one`);
  const [prefix = ''] = prefixes;
  if (prefix !== '') output.info(`${path}: the keys begin with ${prefix}, which is taken off`);
  const tensors = prefix === '' ? stored : withoutPrefix(stored, prefix);
  const dense = denseParams(tensors, config.dit);
  try {
    return await kindFromDenseAsync(dense, config, { generator: stream(createGenerator(seed), 'from-dense') });
  } finally {
    disposeParams(dense);
  }
}

/** The file of a dense model to start from, by its absolute path. */
async function denseStart(path: string): Promise<string> {
  if (!existsSync(path)) throw new UsageError(`--dense ${path}: no such file`);
  // Tensors of no known layout may have a prefix, which is taken off when they are read.
  const isTensors = statSync(path).isFile() && path.endsWith('.safetensors');
  const kinds = isTensors ? (['dense', 'other'] as const) : (['dense'] as const);
  await expectArtifact(path, { option: '--dense', kinds, expected: 'a dense DiT' });
  return resolve(denseFile(path));
}

/** The model that a run trains. */
function modelOf(kind: TrainOptions['kind'], config: Config, data: ImageDataset) {
  if (kind === 'kind') return { kind, model: modelConfig(config, data) };
  return { kind, model: { dit: networkConfig(config, data), classNames: [...data.classes] } };
}

/** What a run's model costs. */
function sizesOf(record: RunRecord) {
  if (record.kind === 'kind') return countKind(record.model);
  const { dit } = record.model;
  return { params: { total: countDitParams(dit).trainable }, macs: countDitMacs(dit) };
}

interface Prepared {
  record: RunRecord;
  resumed: boolean;
  /** Images of the run's classes, not decoded yet. */
  view: ImageDataset;
}

/** All that can be checked before an engine starts and a picture is decoded. */
async function prepare(command: Command, options: TrainOptions, output: Output): Promise<Prepared> {
  if (options.resume) {
    refuseConfigOnResume(options, ['classes', 'class', 'novel', 'novelClass', 'dense']);
    refuseUnused(command, ['kind'], '--resume takes it from the run; leave it out');
    const kept = await readRunRecord(options.out);
    if (kept.command !== 'train')
      throw new UsageError(`${options.out}: a ${kept.command} run; resume it with learngene ${kept.command}`);
    return { resumed: true, ...(await reopenRunData(kept, { place: options.dataPath, progress: output })) };
  }
  await checkNewRun(options.out);
  const dense = options.dense === undefined ? undefined : await denseStart(options.dense);
  if (options.kind === 'dense') {
    if (dense !== undefined) throw new UsageError('--dense: gives learngenes their start, which --kind dense has not');
    checkDenseSettings(await requestedConfig(options));
  }
  const config = await resolveConfig(options, { data: { classes: namedClasses(options), novel: namedNovel(options) } });
  checkHoldOut(config);
  const { dataset, recipe } = await openData(config.data, output);
  const classes = pretrainingClasses(dataset, config.data);
  const view = chooseClasses(dataset, classes);
  const record: RunRecord = {
    format: RUN_FORMAT,
    command: 'train',
    ...asUsageError('model', () => modelOf(options.kind, config, view)),
    config: { ...config, data: { ...recipe, classes: [...classes] } },
    engine: 'none yet',
    versions: versions(),
    images: imageRecord(view),
    ...(dense === undefined ? {} : { dense }),
  };
  return { record, resumed: false, view };
}

/** `learngene train`: pre-train a KIND model with the class gate. */
export function trainCommand(): Command {
  const command = new Command('train')
    .description('Pre-train a KIND model: learngenes for all classes, tailors for each, behind the class gate')
    .requiredOption('--out <folder>', 'run folder to create or, with --resume, to continue')
    .option('--resume', 'continue from the newest checkpoint, to the bits an unbroken run has', false)
    .option('--dry-run', 'check everything, print the resolved configuration and the model, and stop', false)
    .addOption(
      new Option('--kind <name>', 'what is trained: learngenes and tailors (kind), or a plain DiT (dense)')
        .choices(['kind', 'dense'])
        .default('kind'),
    )
    .option('--dense <file>', 'start from the SVD of a dense DiT (.safetensors, facebookresearch or diffusers keys)');
  withClassOptions(command, 'classes to train on (default: all that are not novel)');
  withNovelOptions(command, 'classes to keep out');
  withDataOptions(command);
  withTrainingOptions(command);
  withSeedOption(command);
  withEngineOption(command);
  withOutputOptions(command, [
    'learngene train --data emoji --novel heart,arrow --out runs/emoji',
    'learngene train --data photos --size 64 --novel-class "tench, Tinca tinca" --out runs/photos',
    'learngene train --config photos.json --steps 20000 --out runs/photos',
    'learngene train --out runs/photos --resume',
    'learngene train --data fashion-mnist --set model.learngeneRank=48 --out runs/fashion --dry-run',
  ]);
  return command.action(async (options: TrainOptions) => {
    const output = outputOf(options);
    const { record, resumed, view } = await prepare(command, options, output);
    const { config, model } = record;
    if (options.dryRun) {
      const { params, macs } = sizesOf(record);
      output.print(JSON.stringify({ kind: record.kind, config, model }, null, 2));
      output.print(
        `${params.total.toLocaleString('en-US')} parameters, ${macs.total.toLocaleString('en-US')} MACs a class`,
      );
      output.result({ kind: record.kind, config, model, parameters: params, macs });
      return;
    }
    const engine = await startEngine(options.engine, output, config.training.precision);
    if (resumed && record.engine !== engine.name) {
      output.warn(
        `the run was started on ${record.engine}; on ${engine.name} its numbers continue, but not bit for bit`,
      );
    }
    const fresh = !resumed || (await checkpointSteps(options.out)).length === 0;
    const params =
      fresh && record.dense !== undefined && record.kind === 'kind'
        ? await fromDense(record.dense, record.model, { seed: config.seed, output })
        : undefined;
    const train = await decodeTrainingData(view, record, output);
    if (!resumed) await createRunFolder(options.out, { ...record, engine: engine.name });
    else if (options.dataPath !== undefined) await writeRunRecord(options.out, record);
    const learner = await interruptible((signal) =>
      runTraining({
        run: options.out,
        record: { ...record, engine: engine.name },
        data: train,
        ...(params && { start: () => initKindTraining(params, { trainable: 'all' }) }),
        progress: output,
        signal,
      }),
    );
    learner.dispose();
    const last = readMetricsLog(options.out).at(-1);
    output.print(`Trained ${options.out}: ${config.training.steps} steps, loss ${last?.loss.toFixed(5) ?? 'unknown'}`);
    output.result({ run: options.out, steps: config.training.steps, last, report: join(options.out, 'report.html') });
  });
}
