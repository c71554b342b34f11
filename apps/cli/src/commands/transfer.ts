import { join, resolve } from 'node:path';
import { type ImageDataset, listNames } from '@learngene/datasets';
import { countTransferParams, initKindTraining, type KindModel } from '@learngene/kind';
import { disposeParams } from '@learngene/nn';
import type { Config } from '@learngene/pipeline';
import { classNamesOf, mergeConfig, parseConfig } from '@learngene/pipeline';
import {
  checkpointSteps,
  describeModel,
  imageRecord,
  type KindRunRecord,
  loadModel,
  type ModelDescription,
  modelFolder,
  RUN_FORMAT,
  readKindRecord,
} from '@learngene/pipeline/node';
import { startTransfer, TRAINABLE_OF_DOMAIN, transferClasses } from '@learngene/trainer';
import {
  checkFits,
  checkHoldOut,
  checkNewRun,
  checkShape,
  chooseClasses,
  createRunFolder,
  decodeTrainingData,
  openRecipe,
  readMetricsLog,
  reopenRunData,
  runTraining,
  versions,
  writeRunRecord,
} from '@learngene/trainer/node';
import { Command, Option } from 'commander';
import { type ClassOptions, namedClasses, withClassOptions } from '../cli/classes';
import {
  type ConfigOptions,
  type EngineOption,
  type OutputOptions,
  outputOf,
  refuseConfigOnResume,
  refuseUnused,
  requestedConfig,
  wholeNumber,
  withDataOptions,
  withEngineOption,
  withOutputOptions,
  withSeedOption,
  withTrainingOptions,
} from '../cli/context';
import { UsageError } from '../cli/errors';
import { interruptible } from '../cli/interrupt';
import type { Output } from '../cli/output';
import { startEngine } from '../cli/start-engine';
import { dataFromRecipe } from '../data/data-flags';

interface TransferOptions extends OutputOptions, EngineOption, ConfigOptions, ClassOptions {
  from?: string;
  out: string;
  domain: 'near' | 'distant';
  tailorRank?: number;
  resume: boolean;
}

/** Defaults of a transfer where neither the file nor the flags say otherwise. */
const TRANSFER_DEFAULTS = { training: { steps: 500, warmup: 20, checkpointEvery: 250, sampleEvery: 0 } };

/** What is known of a transfer before an engine starts and a picture is decoded. */
interface Prepared {
  record: KindRunRecord;
  resumed: boolean;
  /** Images of the novel classes, not decoded yet. */
  view: ImageDataset;
  /** The model to start from; undefined where a checkpoint is continued. */
  base?: string;
  tailorRank?: number;
}

async function resumed(options: TransferOptions, output: Output): Promise<Prepared> {
  const kept = await readKindRecord(options.out);
  if (kept.command !== 'transfer' || kept.base === undefined)
    throw new UsageError(`${options.out}: not a transfer run`);
  const { record, view } = await reopenRunData(kept, { place: options.dataPath, progress: output });
  const started = (await checkpointSteps(options.out)).length > 0;
  const base = started ? undefined : kept.base.path;
  if (base !== undefined) await describeModel(base);
  return { record, resumed: true, view, base, tailorRank: kept.model.tailorRank };
}

/**
 * The configuration of a transfer: the base's, then the defaults of transfers, then what was asked for; with the classes
 * that the base's recipe keeps out, where the data are its own.
 */
async function transferConfig(
  options: TransferOptions,
  from: string,
  description: ModelDescription,
): Promise<{ config: Config; novel?: readonly string[] }> {
  const { config } = description;
  const requested = await requestedConfig(options);
  for (const part of ['model', 'diffusion']) {
    if (requested[part] !== undefined) throw new UsageError(`${part}: a transfer takes it from ${from}; leave it out`);
  }
  const asked = (requested.data ?? {}) as Partial<Config['data']>;
  const data = { ...dataFromRecipe(config.data, asked, options), classes: undefined, novel: [] };
  const kept = { ...config, data, training: { ...config.training, ...TRANSFER_DEFAULTS.training } };
  const merged = mergeConfig(kept as unknown as Record<string, unknown>, mergeConfig(TRANSFER_DEFAULTS, requested));
  const isOwn = options.data === undefined && asked.source === undefined;
  return {
    config: parseConfig(merged, options.config ?? 'options'),
    ...(isOwn ? { novel: config.data.novel } : {}),
  };
}

async function prepared(options: TransferOptions, from: string, output: Output): Promise<Prepared> {
  await checkNewRun(options.out);
  const description = await describeModel(from);
  const { config, novel } = await transferConfig(options, from, description);
  checkHoldOut(config);
  const { dataset, recipe } = await openRecipe(config.data, output, description.model.dit);
  checkShape(dataset, description.model.dit);
  const named = namedClasses(options) ?? config.data.classes;
  const classes = transferClasses(dataset, { named, known: classNamesOf(description.model), novel }, output);
  const view = chooseClasses(dataset, classes);
  const record: KindRunRecord = {
    format: RUN_FORMAT,
    command: 'transfer',
    kind: 'kind',
    config: { ...config, data: { ...recipe, classes: [...classes] } },
    model: description.model, // the transfer's own once its weights are there
    engine: 'none yet',
    versions: versions(),
    base: { path: resolve(from), classes: [...classes], domain: options.domain },
    images: imageRecord(view),
  };
  return { record, resumed: false, view, base: from, tailorRank: options.tailorRank };
}

/** The weights that a transfer starts from. */
async function startOf({ record, base, tailorRank }: Prepared): Promise<KindModel | undefined> {
  if (base === undefined || record.base === undefined) return undefined;
  const { classes, domain } = record.base;
  const { model } = await loadModel(base, []);
  const start = startTransfer(model, classes, { seed: record.config.seed, domain, tailorRank });
  disposeParams(model.params);
  return start;
}

/** `learngene transfer`: novel classes on frozen learngenes. */
export function transferCommand(): Command {
  const command = new Command('transfer')
    .description('Teach a model classes it has never seen: learngenes stay frozen, fresh tailors are trained')
    .requiredOption('--out <folder>', 'run folder to create or, with --resume, to continue')
    .option('--from <path>', 'pre-training run or bundle to start from')
    .option(
      '--tailor-rank <n>',
      'components of each novel class (default: as in the base)',
      wholeNumber('--tailor-rank', 1),
    )
    .addOption(
      new Option('--domain <kind>', 'near: only tailors are trained; distant: only learngenes are kept')
        .choices(['near', 'distant'])
        .default('near'),
    )
    .option('--resume', 'continue from the newest checkpoint', false);
  withClassOptions(command, 'classes to teach (default: those that the base keeps out as novel; of other data all)');
  withDataOptions(command);
  withTrainingOptions(command);
  withSeedOption(command);
  withEngineOption(command);
  withOutputOptions(command, [
    'learngene transfer --from runs/emoji --classes heart --steps 300 --out runs/heart',
    'learngene transfer --from bundle --data owls --out runs/owls',
    'learngene transfer --from bundle --domain distant --data galaxies --classes spiral --out runs/spiral',
  ]);
  return command.action(async (options: TransferOptions) => {
    const output = outputOf(options);
    if (options.resume) {
      refuseConfigOnResume(options, ['from', 'classes', 'class', 'tailorRank']);
      refuseUnused(command, ['domain'], '--resume takes it from the run; leave it out');
    }
    const { from } = options;
    if (!options.resume && from === undefined) throw new UsageError('--from: give the run or the bundle to start from');
    const prepare =
      from === undefined
        ? await resumed(options, output)
        : await prepared(options, await modelFolder(from, { progress: output, argument: '--from' }), output);
    const { config } = prepare.record;
    const engine = await startEngine(options.engine, output, config.training.precision);
    if (prepare.resumed && prepare.record.engine !== engine.name) {
      output.warn(
        `the run was started on ${prepare.record.engine}; on ${engine.name} its numbers continue, but not bit for bit`,
      );
    }
    const base = await startOf(prepare);
    const record = prepare.resumed
      ? prepare.record
      : { ...prepare.record, model: base?.config ?? prepare.record.model, engine: engine.name };
    checkFits(prepare.view, record.model);
    const train = await decodeTrainingData(prepare.view, record, output);
    if (!prepare.resumed) await createRunFolder(options.out, record);
    else if (options.dataPath !== undefined) await writeRunRecord(options.out, record);
    const { model } = record;
    const trainable = TRAINABLE_OF_DOMAIN[record.base?.domain ?? 'near'];
    const trained = countTransferParams(model, { groups: model.groups.length, classes: model.dit.classes });
    if (trainable === 'tailors')
      output.info(`Training ${trained.toLocaleString('en-US')} parameters for ${model.dit.classes} novel classes`);
    const learner = await interruptible((signal) =>
      runTraining({
        run: options.out,
        record,
        trainable,
        data: train,
        start() {
          if (base === undefined)
            throw new Error(`${options.out}: the run has no checkpoint to continue; start it anew`);
          return initKindTraining(base.params, { trainable });
        },
        progress: output,
        signal,
      }),
    );
    learner.dispose();
    const last = readMetricsLog(options.out).at(-1);
    output.print(
      `Transferred to ${listNames(config.data.classes ?? [], 40)}: ${config.training.steps} steps, loss ${last?.loss.toFixed(5) ?? 'unknown'}`,
    );
    output.result({
      run: options.out,
      classes: config.data.classes,
      trainedParameters: trained,
      last,
      report: join(options.out, 'report.html'),
    });
  });
}
