import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Images } from '@learngene/report';
import { takePerClass } from '@learngene/report';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import type { DiffusionLearner } from '@learngene/trainer';
import { writeGrid } from '@learngene/trainer/node';
import type { JobContext } from '../data/context';
import { readJson, writeJson } from '../data/json-file';
import { inLatents } from '../data/latents';
import type { TrialJob } from '../jobs/job';
import { resultOfAnyFormat } from '../plan/old-formats';
import type { Evaluation, TrialResult } from '../plan/result';
import { type Guidance, modesOf } from '../score/sampling';
import { openTransferEvaluator, type TransferEvaluator } from '../score/transfer-evaluator';
import { validationLoss } from '../score/validation';
import { median } from '../statistics';
import { runTransfer, type TransferStep } from './transfer-run';
import type { Tuned } from './tuning';

/** Samples of a class in the grid of a trial. */
const GRID_COLUMNS = 8;

/** Steps left out of the median: the first ones compile and fill the buffers. */
const WARM_UP_STEPS = 2;

/** Steps at which something is done `times` times, the last step among them. */
function evenSteps(steps: number, times: number): Set<number> {
  return new Set(Array.from({ length: times }, (_, i) => Math.max(1, Math.round((steps * (i + 1)) / times))));
}

/** What was chosen for a trial on the tuning classes. */
async function tunedFor({ out }: JobContext, { key, tunedBy }: TrialJob): Promise<Tuned> {
  const file = join(out, 'tuning', `${tunedBy}.json`);
  const tuned = await readJson<Tuned>(file);
  if (tuned === undefined) throw new Error(`${key}: its tuning is not there: ${file} cannot be read`);
  return tuned;
}

/** What is recorded while a trial is trained. */
interface Log {
  evaluations: Evaluation[];
  losses: TrialResult['losses'];
  /** Milliseconds of every step. */
  times: number[];
  peakRssMiB: number;
  /** Seconds of evaluation between the steps. */
  evaluationSeconds: number;
}

/** Watches a training: losses, the convergence curve, memory. */
function watch(
  { onProgress }: JobContext,
  { job, chosen, evaluator, log }: { job: TrialJob; chosen: Guidance; evaluator: TransferEvaluator; log: Log },
): (step: TransferStep) => Promise<void> {
  const { evaluation } = job;
  const { steps, seed } = job.trial;
  const curve = new Set(evaluation.curve.map((part) => Math.max(1, Math.round(part * steps))));
  const validated = evenSteps(steps, evaluation.losses);
  const each = evaluation.curveSamplesPerClass ?? evaluation.samplesPerClass;
  let window: number[] = [];
  return async ({ step, loss, ms, learner }) => {
    const { evaluations, losses } = log;
    log.times.push(ms);
    window.push(loss);
    // Training alone: from the first evaluation on, the process also holds the memory of sampling.
    if (evaluations.length === 0) log.peakRssMiB = Math.max(log.peakRssMiB, process.memoryUsage.rss() / 2 ** 20);
    const begun = performance.now();
    if (step % evaluation.logEvery === 0 || validated.has(step)) {
      const train = window.reduce((a, b) => a + b, 0) / window.length;
      window = [];
      losses.push({
        step,
        train,
        ...(validated.has(step) && { validation: await validationLoss(learner, evaluator.validation) }),
      });
    }
    if (curve.has(step) && step < steps) {
      const { scores } = await evaluator.score(learner, { guidance: chosen, each, seed });
      const validation = losses.at(-1)?.step === step ? losses.at(-1)?.validation : undefined;
      const known = validation === undefined ? {} : { validationLoss: validation };
      evaluations.push({ step, guidance: chosen.mode, scale: chosen.scale, ...scores, ...known });
    }
    log.evaluationSeconds += (performance.now() - begun) / 1000;
    onProgress((0.6 * step) / steps);
  };
}

/** Scores a trained method in every guidance mode; returns the samples of the mode that was chosen. */
async function scoreModes(
  { onProgress }: JobContext,
  {
    job: { trial, evaluation },
    tuned,
    evaluator,
    learner,
    log,
  }: { job: TrialJob; tuned: Tuned; evaluator: TransferEvaluator; learner: DiffusionLearner; log: Log },
): Promise<Images> {
  const validation = await validationLoss(learner, evaluator.validation);
  const modes = modesOf(learner);
  let shown: Images | undefined;
  for (const [i, mode] of modes.entries()) {
    const guidance = { mode, scale: tuned.scales[mode] ?? 1 };
    const each = evaluation.samplesPerClass;
    const { samples, scores } = await evaluator.score(learner, { guidance, each, seed: trial.seed });
    log.evaluations.push({
      step: trial.steps,
      guidance: mode,
      scale: guidance.scale,
      ...scores,
      validationLoss: validation,
    });
    if (mode === tuned.guidance.chosen) {
      shown = samples;
      // The last point of the curve has as many samples as the others: FID falls with their number.
      const few = evaluation.curveSamplesPerClass ?? each;
      if (few < each) {
        const last = await evaluator.rescore(takePerClass(samples, each, few), few);
        log.evaluations.push({ step: trial.steps, guidance: mode, scale: guidance.scale, ...last });
      }
    }
    onProgress(0.6 + (0.4 * (i + 1)) / modes.length);
  }
  if (shown === undefined)
    throw new Error(`guidance: expected one of ${modes.join(', ')}, got ${tuned.guidance.chosen}`);
  return shown;
}

/** Trains and scores a method, and writes the trial's folder; `result.json` comes last. */
export async function runTrial(context: JobContext, job: TrialJob): Promise<void> {
  const { out } = context;
  const { key, trial, transfer: input, evaluation } = job;
  const { table, group, task, method, seed, imagesPerClass, steps } = trial;
  const folder = join(out, 'trials', key);
  const tuned = await tunedFor(context, job);
  const { learningRate, guidance } = tuned;
  const evaluator = await openTransferEvaluator(context, job);
  const chosen: Guidance = { mode: guidance.chosen, scale: guidance.scale };
  const log: Log = { evaluations: [], losses: [], times: [], peakRssMiB: 0, evaluationSeconds: 0 };
  const started = performance.now();
  let learner: DiffusionLearner | undefined;
  try {
    const onStep = watch(context, { job, chosen, evaluator, log });
    const trained = await runTransfer(context, { input, learningRate, train: evaluator.train, onStep });
    learner = trained.learner;
    const trainSeconds = (performance.now() - started) / 1000 - log.evaluationSeconds;
    const shown = await scoreModes(context, { job, tuned, evaluator, learner, log });
    const timed = log.times.slice(WARM_UP_STEPS);
    const result: TrialResult = {
      trial: key,
      task,
      dataset: input.dataset.name,
      ...inLatents(input.dataset),
      method,
      seed,
      imagesPerClass,
      steps,
      table,
      ...(group !== undefined && { group }),
      learningRate,
      ...(trained.size !== undefined && { rank: trained.size }),
      ...(trained.batchSize < input.transfer.batchSize && { batchSize: trained.batchSize }),
      ...learner.counts,
      guidance,
      evaluations: log.evaluations,
      ...(timed.length > 0 && { stepMs: median(timed) }),
      peakRssMiB: log.peakRssMiB,
      trainSeconds,
      losses: log.losses,
      samples: 'samples.png',
    };
    await mkdir(folder, { recursive: true });
    await writeGrid(
      join(folder, 'samples.png'),
      takePerClass(shown, evaluation.samplesPerClass, GRID_COLUMNS),
      GRID_COLUMNS,
    );
    if (learner.spectra) await writeJson(join(folder, 'spectra.json'), await learner.spectra());
    await writeFileAtomic(
      join(folder, 'metrics.jsonl'),
      log.losses.map((line) => `${JSON.stringify(line)}\n`).join(''),
    );
    await writeJson(join(folder, 'result.json'), result);
  } finally {
    learner?.dispose();
    evaluator.dispose();
  }
}

/** Copies the result of the trial of another table that has the very same numbers. */
export async function copySharedResult(
  { out }: Pick<JobContext, 'out'>,
  { key, trial: { table } }: TrialJob,
  source: string,
): Promise<void> {
  const [from, to] = [join(out, 'trials', source), join(out, 'trials', key)];
  const file = join(from, 'result.json');
  const result = resultOfAnyFormat(await readJson(file)) as TrialResult | undefined;
  if (result === undefined)
    throw new Error(`${key}: expected the result that it shares in ${file}, which cannot be read`);
  await mkdir(to, { recursive: true });
  await copyFile(join(from, result.samples), join(to, result.samples));
  await writeJson(join(to, 'result.json'), { ...result, trial: key, table });
}
