import { join } from 'node:path';
import { listNames } from '@learngene/datasets';
import {
  countTransferParams,
  disposeKindTraining,
  initKindTraining,
  type KindModel,
  transferKind,
} from '@learngene/kind';
import { disposeParams } from '@learngene/nn';
import { createGenerator, stream } from '@learngene/random';
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
import { versions } from '../cli/versions';
import { mergeConfig, parseConfig } from '../config/load';
import type { Config } from '../config/schema';
import { openDataset, partOf } from '../data/open-data';
import { checkFits, openTrainingData } from '../data/training-data';
import { chooseEngine } from '../engines';
import { usePrecision } from '../engines/precision';
import { loadModel } from '../run/load-model';
import { readMetricsLog } from '../run/metrics-log';
import { checkpointSteps, createRunFolder, type RunRecord, readRunRecord } from '../run/run-folder';
import { groupsOf } from '../training/model-config';
import { runTraining } from '../training/run-training';

interface TransferOptions extends OutputOptions, EngineOption, ConfigOptions, ClassOptions {
  from?: string;
  out: string;
  domain: 'near' | 'distant';
  tailorRank?: number;
  resume: boolean;
}

/** What is trained: for a near domain tailors alone, for a distant one the dense parts too. */
const trainableOf = { near: 'tailors', distant: 'tailors-and-shared' } as const;

/** Defaults of a transfer where neither the file nor the flags say otherwise. */
const transferDefaults = { training: { steps: 500, warmup: 20, checkpointEvery: 250, sampleEvery: 0 } };

/** The model before its first transfer step: the base's learngenes, fresh tailors for the novel classes. */
export function startTransfer(
  base: KindModel,
  classes: readonly string[],
  { config, domain, tailorRank }: { config: Config; domain: 'near' | 'distant'; tailorRank?: number },
): KindModel {
  return transferKind(base, {
    groups: groupsOf(classes),
    generator: stream(createGenerator(config.seed), 'transfer'),
    domain,
    labels: domain === 'near' ? 'null' : 'random',
    ...(tailorRank === undefined ? {} : { tailorRank }),
  });
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
  withClassOptions(command, 'novel classes of the data (default: all)');
  withDataOptions(command);
  withTrainingOptions(command);
  withSeedOption(command);
  withEngineOption(command);
  withOutputOptions(command, [
    'learngene transfer --from runs/emoji --classes heart --steps 300 --out runs/heart',
    'learngene transfer --from bundle --data folder --data-path owls --classes owls --out runs/owls',
    'learngene transfer --from bundle --domain distant --data folder --data-path galaxies --classes spiral --out runs/spiral',
  ]);
  return command.action(async (options: TransferOptions) => {
    const output = outputOf(options);
    if (options.resume) {
      refuseConfigOnResume(options, ['from', 'classes', 'class', 'tailorRank']);
      refuseUnused(command, ['domain'], '--resume takes it from the run; leave it out');
    }
    if (!options.resume && options.from === undefined)
      throw new UsageError('--from: give the run or the bundle to start from');
    const engine = await chooseEngine(options.engine, output);
    let record: RunRecord;
    let base: KindModel | undefined;
    if (options.resume) {
      record = await readRunRecord(options.out);
      if (record.command !== 'transfer' || record.base === undefined) {
        throw new UsageError(`${options.out}: not a transfer run`);
      }
      if (record.engine !== engine.name) {
        output.warn(
          `the run was started on ${record.engine}; on ${engine.name} its numbers continue, but not bit for bit`,
        );
      }
      const { path, classes, domain } = record.base;
      if ((await checkpointSteps(options.out)).length === 0) {
        const { model } = await loadModel(path, []);
        base = startTransfer(model, classes, { config: record.config, domain, tailorRank: record.model.tailorRank });
        disposeParams(model.params);
      }
    } else {
      const from = options.from as string;
      const loaded = await loadModel(from, []);
      base = loaded.model;
      const kept = { ...loaded.config, data: { ...loaded.config.data, classes: undefined, novel: [] } };
      const requested = await requestedConfig(options);
      for (const part of ['model', 'diffusion']) {
        if (requested[part] !== undefined)
          throw new UsageError(`${part}: a transfer takes it from ${from}; leave it out`);
      }
      const asked = mergeConfig(transferDefaults, requested);
      const inherited = { ...kept, training: { ...kept.training, ...transferDefaults.training } };
      const config = parseConfig(
        mergeConfig(inherited as unknown as Record<string, unknown>, asked),
        options.config ?? 'options',
      );
      const dataset = await openDataset(config.data, output);
      const named = namedClasses(options) ?? config.data.classes ?? dataset.classes;
      const { train } = partOf(dataset, named, config);
      const classes = train.classes;
      const start = startTransfer(base, classes, { config, domain: options.domain, tailorRank: options.tailorRank });
      checkFits(train, start.config);
      disposeParams(base.params);
      base = start;
      record = {
        format: 1,
        command: 'transfer',
        config: { ...config, data: { ...config.data, classes: [...classes] } },
        model: start.config,
        engine: engine.name,
        versions: versions(),
        base: { path: from, classes: [...classes], domain: options.domain },
      };
      usePrecision(config.training.precision, engine);
      await createRunFolder(options.out, record);
    }
    const { config, model } = record;
    usePrecision(config.training.precision, engine);
    const train = await openTrainingData(record, output);
    const trainable = trainableOf[record.base?.domain ?? 'near'];
    const trained = countTransferParams(model, { groups: model.groups.length, classes: model.dit.classes });
    if (trainable === 'tailors')
      output.info(`Training ${trained.toLocaleString('en-US')} parameters for ${model.dit.classes} novel classes`);
    const state = await runTraining({
      run: options.out,
      record,
      trainable,
      data: train,
      start() {
        if (base === undefined) throw new Error(`${options.out}: the run has no checkpoint to continue; start it anew`);
        return initKindTraining(base.params, { trainable });
      },
      output,
    });
    disposeKindTraining(state);
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
