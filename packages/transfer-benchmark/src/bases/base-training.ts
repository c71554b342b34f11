import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { KindConfig } from '@learngene/kind';
import { noProgress, parseConfig } from '@learngene/pipeline';
import { checkpointSteps, loadCheckpoint, runFormat } from '@learngene/pipeline/node';
import { type DiffusionLearner, trainingSchedule } from '@learngene/trainer';
import { type DataPart, saveCheckpoint, trainRun, versions } from '@learngene/trainer/node';
import type { JobContext } from '../data/context';
import { openPlanDataset, splitOf } from '../data/data';
import { readJson, writeJson } from '../data/json-file';
import {
  type BaseJob,
  type BaseRecord,
  baseKey,
  baseKindConfig,
  baseSteps,
  baseSweepKey,
  sweepSteps,
} from '../plan/bases';
import { heldOutSet, validationLoss } from '../score/validation';
import { planBatches } from '../training/batches';
import { baseLearner, restoredBase, startBase } from './base-state';

/** The record that makes a KIND base an ordinary run folder, which `learngene sample` and the others read. */
function runRecord(
  { plan, engine }: JobContext,
  { job, model, rate }: { job: BaseJob; model: KindConfig; rate: number },
) {
  const { spec, seed, dataset, classes } = job;
  const { batchSize, warmup, emaDecay } = plan.pretraining;
  const steps = baseSteps(plan, spec);
  const { source, path, holdOut } = plan.datasets[dataset];
  const { patchSize, hiddenSize, depth, heads, labelDropout } = plan.model;
  const kind = spec.form === 'kind' ? { learngeneRank: spec.learngeneRank, tailorRank: spec.tailorRank } : {};
  const config = parseConfig(
    {
      seed,
      data: { source, path, holdOut, classes: [...classes] },
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
  return { format: runFormat, command: 'train', config, model, engine, versions: versions() };
}

/** The pictures of a base's classes. */
export async function baseData(
  { out, plan, output }: JobContext,
  job: Pick<BaseJob, 'dataset' | 'classes'>,
): Promise<DataPart> {
  const dataset = await openPlanDataset(out, plan, job.dataset, output);
  return splitOf(dataset, job.classes, plan.datasets[job.dataset].holdOut);
}

interface Training {
  run: string;
  job: BaseJob;
  rate: number;
  steps: number;
}

/** What is known of a base from its weights alone. */
async function measured(
  { plan }: JobContext,
  learner: DiffusionLearner,
  { data, rate }: { data: DataPart; rate: number },
): Promise<BaseRecord> {
  const held = await heldOutSet(data.heldOut, plan.evaluation.validationPerClass);
  const { parameters, macs } = learner.counts;
  return { learningRate: rate, validationLoss: await validationLoss(learner, held), parameters, macs };
}

/**
 * The record of a base whose averaged weights were written, but which was stopped before its record was: how long it took
 * is not known.
 */
async function recordOf(context: JobContext, data: DataPart, { run, job, rate, steps }: Training): Promise<BaseRecord> {
  const { trees } = await loadCheckpoint(run, steps, ['ema']);
  const learner = baseLearner(context.plan, { job, tree: trees.ema, data: data.train });
  try {
    return await measured(context, learner, { data, rate });
  } finally {
    learner.dispose();
  }
}

/** Trains a base to its last step, from its newest checkpoint, and leaves its averaged weights. */
async function train(context: JobContext, data: DataPart, { run, job, rate, steps }: Training): Promise<BaseRecord> {
  const { plan, signal, progress } = context;
  const { pretraining, model } = plan;
  const config = job.spec.form === 'kind' ? baseKindConfig(plan, job.spec, data.train) : undefined;
  await mkdir(join(run, 'checkpoints'), { recursive: true });
  if (config) await writeJson(join(run, 'config.json'), runRecord(context, { job, model: config, rate }));
  const last = (await checkpointSteps(run)).at(-1);
  if (last === steps) return recordOf(context, data, { run, job, rate, steps });
  // A KIND model has one order of parameters; the others have that of their start, which a resumed training wants again.
  const needsStart = last === undefined || job.spec.form !== 'kind';
  const learner = needsStart ? await startBase(context, job, data.train) : restoredBase(plan, job, data.train);
  const started = performance.now();
  const times: number[] = [];
  const warmup = Math.min(pretraining.warmup, steps);
  try {
    await trainRun({
      run,
      learner,
      batches: (state) =>
        planBatches({
          data: data.train,
          seed: job.seed,
          purpose: 'pretraining',
          batchSize: pretraining.batchSize,
          flip: plan.datasets[job.dataset].flip,
          labelDropout: model.labelDropout,
          droppedKeepGroup: config?.nullGate === 'own-class',
          state,
        }),
      schedule: trainingSchedule({
        steps,
        learningRate: rate,
        warmup,
        decay: 'cosine',
        emaDecay: pretraining.emaDecay,
      }),
      intervals: { logEvery: 10, checkpointEvery: pretraining.checkpointEvery, keepCheckpoints: 1, sampleEvery: 0 },
      onStep({ step, milliseconds }) {
        times.push(milliseconds);
        progress(step / steps);
      },
      progress: noProgress,
      signal,
    });
    const record = await measured(context, learner, { data, rate });
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

/** The middle of some numbers; 0 of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Chooses the learning rate of a form of base, by the loss on held-out pictures of its own classes. */
export async function sweepBase(context: JobContext, job: Omit<BaseJob, 'seed'>): Promise<void> {
  const { out, plan } = context;
  const { learningRates } = plan.pretraining;
  const key = baseSweepKey(plan, job);
  const data = await baseData(context, job);
  const tried: { learningRate: number; validationLoss: number | null }[] = [];
  for (const [i, rate] of learningRates.entries()) {
    const run = join(out, 'tuning', key, `rate-${rate}`);
    let record = await readJson<BaseRecord>(join(run, 'base.json'));
    if (record === undefined) {
      const progress = (done: number) => context.progress((i + done) / learningRates.length);
      const training = { run, job: { ...job, seed: plan.tuning.seed }, rate, steps: sweepSteps(plan, job.spec) };
      try {
        record = await train({ ...context, progress }, data, training);
      } catch (error) {
        context.signal.throwIfAborted();
        context.output.warn(`${key}: learning rate ${rate}: ${error instanceof Error ? error.message : error}`);
      }
      if (record) await writeJson(join(run, 'base.json'), record);
    }
    tried.push({ learningRate: rate, validationLoss: record?.validationLoss ?? null });
  }
  const good = tried.filter(({ validationLoss }) => validationLoss !== null);
  if (good.length === 0) throw new Error(`${key}: no learning rate trains`);
  const best = good.reduce((a, b) => ((b.validationLoss as number) < (a.validationLoss as number) ? b : a));
  await writeJson(join(out, 'tuning', `${key}.json`), { base: job, tried, learningRate: best.learningRate });
}

/** Pre-trains a base and writes `base.json` when it is done. */
export async function pretrainBase(context: JobContext, job: BaseJob): Promise<void> {
  const { out, plan } = context;
  const run = join(out, 'bases', baseKey(plan, job));
  const { learningRates } = plan.pretraining;
  let [rate] = learningRates;
  if (learningRates.length > 1) {
    const sweep = await readJson<{ learningRate: number }>(join(out, 'tuning', `${baseSweepKey(plan, job)}.json`));
    if (sweep === undefined) throw new Error(`${baseKey(plan, job)}: its learning rate has not been chosen`);
    rate = sweep.learningRate;
  }
  const record = await train(context, await baseData(context, job), {
    run,
    job,
    rate,
    steps: baseSteps(plan, job.spec),
  });
  await writeJson(join(run, 'base.json'), { ...job, ...record });
}
