import { resolve } from 'node:path';
import { initKindTraining, type KindModel, type KindSettings, type Trainable } from '@learngene/kind';
import { disposeParams } from '@learngene/nn';
import { type Config, ConfigError, classNamesOf, counted, type Progress } from '@learngene/pipeline';
import {
  checkpointSteps,
  describeModel,
  imageRecord,
  type KindRunRecord,
  loadModel,
  modelBase,
  RUN_FORMAT,
  readKindRecord,
} from '@learngene/pipeline/node';
import { checkGiven } from '../check-given';
import { checkHoldOut } from '../data/decode-data';
import { checkValidation } from '../data/held-out-images';
import { chooseClasses } from '../data/open-data';
import { checkFits, checkShape, openRecipe } from '../data/run-data';
import { transferClasses } from '../data/transfer-classes';
import { readAskedAutoencoder } from '../latents/asked-autoencoder';
import { checkLatents, checkSameLatents, withAutoencoder } from '../latents/training-data';
import { kindTrainable } from '../learners/kind';
import { checkTrainingMemory } from '../run/check-training-memory';
import { checkSameStart } from '../run/continue-run';
import {
  noteResume,
  openRun,
  type PreparedRun,
  type ResumeOptions,
  reopenRun,
  type TrainedRun,
  type TrainPreparedOptions,
  trainedRun,
} from '../run/prepared-run';
import { runTraining } from '../run/run-training';
import { checkOldRun } from '../run-folder/create-run';
import { versions } from '../run-folder/versions';
import { startTransfer, type TransferDomain, transferTrainable } from './start-transfer';
import { transferConfig } from './transfer-config';

/** A prepared transfer. No engine is started and no image decoded. */
export interface PreparedTransfer extends PreparedRun<KindRunRecord> {
  /** The model to start from; undefined where a checkpoint is continued. */
  base?: string;
  /** Components of each novel class (default: as in the base). */
  tailorRank?: number;
}

/** Settings of a new transfer. */
export interface TransferRequest {
  /** Values of the configuration, over the base's. */
  requested: Record<string, unknown>;
  /** Where they stand, for messages. */
  source: string;
  /** Whether data are asked for by a path or a kind. */
  dataGiven: boolean;
  /** Names of the novel classes (default: those that the base's recipe keeps out; of other data all). */
  classes?: readonly string[];
  /** How near they are to the base's. */
  domain: TransferDomain;
  /** Components of each novel class (default: as in the base). */
  tailorRank?: number;
  /** Which parts are trained (default: tailors; of a distant domain the dense parts too). */
  trainable?: Trainable;
  /** What samples without a label use (default: as in the base). */
  nullGate?: KindSettings['nullGate'];
  /** Takes notes on the data. */
  progress: Progress;
}

/**
 * Prepares a new transfer run: opens the data, chooses the novel classes, and makes the record.
 *
 * @param from The folder of a run or a bundle.
 * @throws ConfigError naming what does not fit the base
 */
export async function prepareTransfer(from: string, request: TransferRequest): Promise<PreparedTransfer> {
  checkGiven('prepareTransfer', 'request', request, ['requested', 'source', 'domain', 'progress']);
  const { requested, source, dataGiven, domain, tailorRank, nullGate, progress } = request;
  const trainable = transferTrainable(domain, request.trainable);
  const { config: recipeOfBase, model } = await describeModel(from);
  checkByGate(from, model, { trainable, tailorRank });
  const otherData = dataGiven || (requested.data as Partial<Config['data']> | undefined)?.source !== undefined;
  const asked = transferConfig(recipeOfBase, requested, { from, source, otherData });
  checkHoldOut(asked);
  await readAskedAutoencoder(recipeOfBase, requested.autoencoder as Config['autoencoder']);
  const config = await withAutoencoder(asked);
  const network = { dit: model.dit, config };
  const { dataset, recipe, autoencoder } = await openRecipe(config.data, progress, network);
  checkSameLatents(config, autoencoder);
  checkLatents(dataset, config);
  checkShape(dataset, network);
  const named = request.classes ?? config.data.classes;
  const novel = otherData ? undefined : recipeOfBase.data.novel;
  const classes = transferClasses(dataset, { named, known: classNamesOf(model), novel }, progress);
  const view = chooseClasses(dataset, classes);
  checkValidation(view, config, progress);
  const record: KindRunRecord = {
    format: RUN_FORMAT,
    command: 'transfer',
    kind: 'kind',
    config: { ...config, data: { ...recipe, classes: [...classes] } },
    model, // the transfer's own once its weights are there
    engine: 'none yet',
    versions: versions(),
    base: {
      path: resolve(from),
      classes: [...classes],
      domain,
      ...(request.trainable && { trainable }),
      ...(nullGate && { nullGate }),
    },
    images: imageRecord(view),
  };
  checkTrainingMemory({ ...record, model: { ...model, tailorRank: tailorRank ?? model.tailorRank } });
  return { record, resumed: false, view, base: from, tailorRank };
}

/** Throws on what does not go with a gate over the tailors of the base. */
function checkByGate(
  from: string,
  { groups }: KindRunRecord['model'],
  { trainable, tailorRank }: { trainable: Trainable; tailorRank?: number },
): void {
  if (trainable !== 'gate') return;
  if (tailorRank !== undefined) {
    const why = 'a gate weighs the tailors of the base, which have their ranks';
    throw new ConfigError(`tailorRank: expected none with trainable gate: ${why}`, { argument: 'tailorRank' });
  }
  if (groups.length === 0) throw new ConfigError(`${from}: expected tailors for a gate to weigh, got learngenes alone`);
}

/** Options of {@link resumeTransfer}. */
export interface ResumeTransferOptions extends ResumeOptions {
  /** The run or the bundle that it started from, as the run was started. */
  from?: string;
  /** How near the classes are to the base's, as the run was started. */
  domain?: TransferDomain;
  /** Components of each novel class, as the run was started. */
  tailorRank?: number;
  /** Which parts are trained, as the run was started. */
  trainable?: Trainable;
  /** What samples without a label use, as the run was started. */
  nullGate?: KindSettings['nullGate'];
}

/**
 * Opens a transfer run again, with more steps where they are requested.
 *
 * @throws ConfigError for another run, for what is said again and is not so in the run, for steps that were done already, and
 *   for data that are not those that it was started on; Error for a folder that may not be written
 */
export async function resumeTransfer(run: string, options: ResumeTransferOptions): Promise<PreparedTransfer> {
  const kept = await readKindRecord(run);
  if (kept.command !== 'transfer' || kept.base === undefined) throw new ConfigError(`${run}: not a transfer run`);
  checkOldRun(run);
  const { from, domain, tailorRank, trainable, nullGate } = options;
  checkSameStart(run, {
    from: { own: kept.base.path, given: from === undefined ? undefined : resolve(from) },
    domain: { own: kept.base.domain, given: domain },
    tailorRank: { own: kept.model.tailorRank, given: tailorRank },
    trainable: { own: transferTrainable(kept.base.domain, kept.base.trainable), given: trainable },
    nullGate: { own: kept.model.nullGate, given: nullGate },
  });
  checkTrainingMemory(kept);
  const prepared = await reopenRun(run, kept, options);
  const started = (await checkpointSteps(run)).length > 0;
  const base = started ? undefined : kept.base.path;
  if (base !== undefined) await describeModel(base);
  return { ...prepared, base, tailorRank: kept.model.tailorRank };
}

/** What a transfer starts from. */
interface TransferStart {
  /** The base's learngenes with fresh tailors. */
  model: KindModel;
  /** Hash of the base, where all that tailors are made for is kept. */
  hash: string | undefined;
}

/**
 * The weights that a transfer starts from.
 *
 * @throws ConfigError where the base has changed since the run was started
 */
async function loadStart({ record, base, tailorRank }: PreparedTransfer): Promise<TransferStart | undefined> {
  if (base === undefined || record.base === undefined) return undefined;
  const { classes, domain, nullGate, hash: recorded } = record.base;
  const trainable = transferTrainable(domain, record.base.trainable);
  // A gate weighs the tailors of the base; else they play no part.
  const loaded = await loadModel(base, ...(trainable === 'gate' ? [] : [[]]));
  try {
    const hash = keepsBase(loaded.model.config, { trainable, nullGate }) ? await modelBase(base, loaded) : undefined;
    if (recorded !== undefined && hash !== recorded) {
      const [was, is] = [recorded, hash ?? 'none'].map((text) => text.slice(0, 12));
      throw new ConfigError(`${base}: expected the base that the run was started from (${was}), got another (${is})`);
    }
    const rank = trainable === 'gate' ? undefined : tailorRank;
    const { seed } = record.config;
    const model = startTransfer(loaded.model, classes, { seed, domain, tailorRank: rank, trainable, nullGate });
    return { model, hash };
  } finally {
    disposeParams(loaded.model.params);
  }
}

/** Whether the trained tailors fit the bundles of the base: its learngenes, shared part and null gate stay. */
function keepsBase(
  config: KindModel['config'],
  { trainable, nullGate }: { trainable: Trainable; nullGate?: KindSettings['nullGate'] },
): boolean {
  const isFrozen = trainable === 'tailors' || (trainable === 'gate' && config.gate === 'binary');
  return isFrozen && (nullGate === undefined || nullGate === config.nullGate);
}

/** The record of a new transfer, with the model that it trains. */
function startedRecord(record: KindRunRecord, start: TransferStart | undefined, engine: string): KindRunRecord {
  if (start === undefined || record.base === undefined) return { ...record, engine };
  const { model, hash } = start;
  return { ...record, model: model.config, engine, base: { ...record.base, ...(hash !== undefined && { hash }) } };
}

/** Result of a transfer. */
export interface TrainedTransfer extends TrainedRun {
  /** Parameters that were trained. */
  trainedParameters: number;
}

/**
 * Trains a prepared transfer to its end, in its folder.
 *
 * @throws InterruptedError after an abort
 */
export async function transfer(prepared: PreparedTransfer, options: TrainPreparedOptions): Promise<TrainedTransfer> {
  checkGiven('transfer', 'prepared', prepared, ['record', 'view']);
  checkGiven('transfer', 'options', options, ['run', 'engine', 'progress', 'signal']);
  const { run, engine, progress, signal } = options;
  await noteResume(prepared, options);
  const base = await loadStart(prepared);
  const record = prepared.resumed ? prepared.record : startedRecord(prepared.record, base, engine);
  const { model } = record;
  checkFits(prepared.view, record);
  const part = await openRun(prepared, record, options);
  const { train: data, heldOut } = part;
  const trainable = transferTrainable(record.base?.domain ?? 'near', record.base?.trainable);
  const trained = kindTrainable(model, trainable);
  const novel = counted(model.dit.classes, 'novel class', 'novel classes');
  progress.info(`Training ${counted(trained, 'parameter')} for ${novel}`);
  const start = () => {
    if (base === undefined) throw new Error(`${run}: the run has no checkpoint to continue; start it anew`);
    return initKindTraining(base.model.params, { trainable });
  };
  const learner = await runTraining({ run, record, trainable, data, heldOut, start, progress, signal });
  learner.dispose();
  return { ...trainedRun(run, record, part), trainedParameters: trained };
}
