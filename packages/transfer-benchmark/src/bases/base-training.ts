import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { KindConfig } from '@learngene/kind';
import { noProgress, parseConfig, type RecipeAutoencoder } from '@learngene/pipeline';
import { checkpointSteps, loadCheckpoint, RUN_FORMAT } from '@learngene/pipeline/node';
import { type DiffusionLearner, trainingSchedule } from '@learngene/trainer';
import { type DataPart, saveCheckpoint, trainRun, versions } from '@learngene/trainer/node';
import type { JobContext } from '../data/context';
import { writeJson } from '../data/json-file';
import { recipeOf } from '../data/latents';
import type { BaseModel } from '../jobs/job';
import { baseKindConfig, inputShape } from '../plan/base-spec';
import { heldOutSet, validationLoss } from '../score/validation';
import { median } from '../statistics';
import { planBatches } from '../training/batches';
import { baseLearner, restoredBase, startBase } from './base-state';

/** base.json of a finished base: what was measured. */
export interface BaseRecord {
  learningRate: number;
  validationLoss: number;
  parameters: number;
  macs: number;
  /** Median of the training steps, in milliseconds; absent where a stopped training had ended but for its record. */
  stepMs?: number;
  /** Seconds of training since it was last started; absent as `stepMs` is. */
  seconds?: number;
}

/** The record that makes a KIND base an ordinary run folder, which `learngene sample` and the others read. */
function runRecord(
  base: BaseModel,
  {
    model,
    rate,
    engine,
    autoencoder,
  }: { model: KindConfig; rate: number; engine: string; autoencoder?: RecipeAutoencoder },
) {
  const { spec, seed, dataset, classes, steps } = base;
  const { batchSize, warmup, emaDecay } = base.pretraining;
  const { source, path, holdOut, size } = dataset.source;
  const fromFiles = source === 'emoji' || source === 'folder';
  const { patchSize, hiddenSize, depth, heads, labelDropout } = base.model;
  const kind = spec.form === 'kind' ? { learngeneRank: spec.learngeneRank, tailorRank: spec.tailorRank } : {};
  const config = parseConfig(
    {
      seed,
      data: { source, path, holdOut, classes: [...classes], ...(autoencoder && fromFiles && { size }) },
      ...(autoencoder && { autoencoder }),
      model: { patchSize, hiddenSize, depth, heads, labelDropout, ...kind, gate: model.gate, nullGate: model.nullGate },
      training: {
        steps,
        batchSize,
        learningRate: rate,
        factorLearningRateScale: spec.factorLearningRateScale,
        warmup,
        emaDecay,
        decay: 'cosine',
      },
    },
    'plan',
  );
  return { format: RUN_FORMAT, command: 'train', config, model, engine, versions: versions() };
}

interface Training {
  /** The folder of the run. */
  run: string;
  base: BaseModel;
  rate: number;
}

/** The record of a base from its weights alone. */
async function measured(learner: DiffusionLearner, data: DataPart, { base, rate }: Training): Promise<BaseRecord> {
  const held = await heldOutSet(data.heldOut, base.validationPerClass);
  const { parameters, macs } = learner.counts;
  return { learningRate: rate, validationLoss: await validationLoss(learner, held), parameters, macs };
}

/**
 * The record of a base whose averaged weights were written, but which was stopped before its record was: the time of its
 * training is not known.
 */
async function recordOf(data: DataPart, training: Training): Promise<BaseRecord> {
  const { run, base } = training;
  const { trees } = await loadCheckpoint(run, base.steps, ['ema']);
  const learner = baseLearner(base, { tree: trees.ema, input: inputShape(data.train) });
  try {
    return await measured(learner, data, training);
  } finally {
    learner.dispose();
  }
}

/** Trains a base to its last step, from its newest checkpoint, and leaves its averaged weights. */
export async function trainBase(context: JobContext, data: DataPart, training: Training): Promise<BaseRecord> {
  const { out, signal, onProgress, engine } = context;
  const { run, base, rate } = training;
  const { pretraining, model, steps, seed, spec, dataset } = base;
  const input = inputShape(data.train);
  const config = spec.form === 'kind' ? baseKindConfig(model, spec, input) : undefined;
  await mkdir(join(run, 'checkpoints'), { recursive: true });
  if (config) {
    const autoencoder = dataset.latents && (await recipeOf(out, dataset.latents));
    await writeJson(join(run, 'config.json'), runRecord(base, { model: config, rate, engine, autoencoder }));
  }
  const last = (await checkpointSteps(run)).at(-1);
  if (last === steps) return recordOf(data, training);
  // A KIND model has one order of parameters; the others have that of their start, which a resumed training wants again.
  const needsStart = last === undefined || spec.form !== 'kind';
  const learner = needsStart ? await startBase(out, base, input) : restoredBase(base, input);
  const started = performance.now();
  const times: number[] = [];
  const { batchSize, warmup, emaDecay, checkpointEvery } = pretraining;
  try {
    await trainRun({
      run,
      learner,
      batches: (state) =>
        planBatches({
          data: data.train,
          seed,
          purpose: 'pretraining',
          batchSize,
          flip: dataset.source.flip,
          labelDropout: model.labelDropout,
          droppedKeepGroup: config?.nullGate === 'own-class',
          state,
          progress: context.progress,
        }),
      schedule: trainingSchedule({
        steps,
        learningRate: rate,
        warmup: Math.min(warmup, steps),
        decay: 'cosine',
        emaDecay,
      }),
      intervals: { logEvery: 10, checkpointEvery, keepCheckpoints: 1, sampleEvery: 0 },
      onStep({ step, milliseconds }) {
        times.push(milliseconds);
        onProgress(step / steps);
      },
      progress: noProgress,
      signal,
    });
    const record = await measured(learner, data, training);
    if (learner.spectra) await writeJson(join(run, 'spectra.json'), await learner.spectra());
    // Nothing goes on from here: the averaged weights are all that is kept.
    const { metricsBytes } = (await loadCheckpoint(run, steps, [])).state;
    await saveCheckpoint(run, steps, { trees: { ema: learner.state().trees.ema }, state: { metricsBytes } });
    const seconds = (performance.now() - started) / 1000;
    return { ...record, stepMs: median(times), seconds };
  } finally {
    learner.dispose();
  }
}
