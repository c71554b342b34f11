import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Images } from '@learngene/report';
import { takePerClass } from '@learngene/report';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import type { DiffusionLearner } from '@learngene/trainer';
import { writeGrid } from '@learngene/trainer/node';
import { median } from '../bases/base-training';
import type { JobContext } from '../data/context';
import { readJson, writeJson } from '../data/json-file';
import { type CellJob, cellKey, specOf, tuningKey, tuningTask } from '../plan/jobs';
import type { CellResult, Evaluation } from '../plan/result';
import { twinOf } from '../schedule/graph';
import { type Guidance, modesOf } from '../score/sampling';
import { openScorer, type Scorer } from '../score/scorer';
import { validationLoss } from '../score/validation';
import { runTransfer, type TransferStep } from './transfer-run';
import type { Tuned } from './tuning';

const gridColumns = 8;

/** Steps at which something is done `times` times, the last step among them. */
function evenSteps(steps: number, times: number): Set<number> {
  return new Set(Array.from({ length: times }, (_, i) => Math.max(1, Math.round((steps * (i + 1)) / times))));
}

/** What was chosen for a cell on the tuning classes. */
async function tunedFor({ out, plan }: JobContext, cell: CellJob): Promise<Tuned> {
  const job = { task: tuningTask(plan, cell.task), method: cell.method, macsRank: cell.macsRank };
  const tuned = await readJson<Tuned>(join(out, 'tuning', `${tuningKey(plan, job)}.json`));
  if (tuned === undefined)
    throw new Error(`${cellKey(plan, cell)}: nothing has been chosen for it on the tuning classes`);
  return tuned;
}

/** What is written down while a cell is trained. */
interface Log {
  evaluations: Evaluation[];
  losses: CellResult['losses'];
  /** Milliseconds of every step. */
  times: number[];
  peakRssMiB: number;
  /** Seconds that went into scoring, not training. */
  away: number;
}

/** Watches a training: losses, the convergence curve, memory. */
function watch(
  { plan, progress }: JobContext,
  { cell, chosen, scorer, log }: { cell: CellJob; chosen: Guidance; scorer: Scorer; log: Log },
): (step: TransferStep) => Promise<void> {
  const { evaluation } = plan;
  const { steps, seed } = cell;
  const curve = new Set(evaluation.curve.map((part) => Math.max(1, Math.round(part * steps))));
  const validated = evenSteps(steps, evaluation.losses);
  const each = evaluation.curveSamplesPerClass ?? evaluation.samplesPerClass;
  let window: number[] = [];
  return async ({ step, loss, ms, learner }) => {
    const { evaluations, losses } = log;
    log.times.push(ms);
    window.push(loss);
    // Of training alone: from the first scoring on, the process holds what sampling wanted.
    if (evaluations.length === 0) log.peakRssMiB = Math.max(log.peakRssMiB, process.memoryUsage.rss() / 2 ** 20);
    const begun = performance.now();
    if (step % evaluation.logEvery === 0 || validated.has(step)) {
      const train = window.reduce((a, b) => a + b, 0) / window.length;
      window = [];
      losses.push({
        step,
        train,
        ...(validated.has(step) && { validation: await validationLoss(learner, scorer.held) }),
      });
    }
    if (curve.has(step) && step < steps) {
      const { figures } = await scorer.score(learner, { guidance: chosen, each, seed });
      const validation = losses.at(-1)?.step === step ? losses.at(-1)?.validation : undefined;
      const known = validation === undefined ? {} : { validationLoss: validation };
      evaluations.push({ step, guidance: chosen.mode, scale: chosen.scale, ...figures, ...known });
    }
    log.away += (performance.now() - begun) / 1000;
    progress((0.6 * step) / steps);
  };
}

/** Scores a trained cell in every guidance mode; returns the samples of the mode that was chosen. */
async function scoreModes(
  { plan, progress }: JobContext,
  {
    cell,
    tuned,
    scorer,
    learner,
    log,
  }: { cell: CellJob; tuned: Tuned; scorer: Scorer; learner: DiffusionLearner; log: Log },
): Promise<Images> {
  const validation = await validationLoss(learner, scorer.held);
  const modes = modesOf(learner);
  let shown: Images | undefined;
  for (const [i, mode] of modes.entries()) {
    const guidance = { mode, scale: tuned.scales[mode] ?? 1 };
    const each = plan.evaluation.samplesPerClass;
    const { samples, figures } = await scorer.score(learner, { guidance, each, seed: cell.seed });
    log.evaluations.push({
      step: cell.steps,
      guidance: mode,
      scale: guidance.scale,
      ...figures,
      validationLoss: validation,
    });
    if (mode === tuned.guidance.chosen) {
      shown = samples;
      // The last point of the curve, with as many samples as the others have: FID falls with their number.
      const few = plan.evaluation.curveSamplesPerClass ?? each;
      if (few < each) {
        const last = await scorer.rescore(takePerClass(samples, each, few), few);
        log.evaluations.push({ step: cell.steps, guidance: mode, scale: guidance.scale, ...last });
      }
    }
    progress(0.6 + (0.4 * (i + 1)) / modes.length);
  }
  if (shown === undefined)
    throw new Error(`guidance: expected one of ${modes.join(', ')}, got ${tuned.guidance.chosen}`);
  return shown;
}

/** Trains and scores one cell, and writes its folder; `result.json` comes last. */
export async function runCell(context: JobContext, cell: CellJob): Promise<void> {
  const { out, plan } = context;
  const { table, group, task, method, seed, imagesPerClass, steps } = cell;
  const key = cellKey(plan, cell);
  const folder = join(out, 'cells', key);
  const tuned = await tunedFor(context, cell);
  const { novel: classes, dataset } = plan.tasks[task];
  const { learningRate, guidance } = tuned;
  const run = { spec: specOf(plan, cell), task, classes, imagesPerClass, steps, seed, baseSeed: seed, learningRate };
  const scorer = await openScorer(context, run);
  const chosen: Guidance = { mode: guidance.chosen, scale: guidance.scale };
  const log: Log = { evaluations: [], losses: [], times: [], peakRssMiB: 0, away: 0 };
  const started = performance.now();
  let learner: DiffusionLearner | undefined;
  try {
    const onStep = watch(context, { cell, chosen, scorer, log });
    const trained = await runTransfer(context, { run, pictures: scorer.pictures, onStep });
    learner = trained.learner;
    const trainSeconds = (performance.now() - started) / 1000 - log.away;
    const shown = await scoreModes(context, { cell, tuned, scorer, learner, log });
    const result: CellResult = {
      cell: key,
      task,
      dataset,
      method,
      seed,
      imagesPerClass,
      steps,
      table,
      ...(group !== undefined && { group }),
      learningRate,
      ...(trained.size !== undefined && { rank: trained.size }),
      ...learner.counts,
      guidance,
      evaluations: log.evaluations,
      stepMs: median(log.times.slice(2)),
      peakRssMiB: log.peakRssMiB,
      trainSeconds,
      losses: log.losses,
      samples: 'samples.png',
    };
    await mkdir(folder, { recursive: true });
    await writeGrid(
      join(folder, 'samples.png'),
      takePerClass(shown, plan.evaluation.samplesPerClass, gridColumns),
      gridColumns,
    );
    if (learner.spectra) await writeJson(join(folder, 'spectra.json'), await learner.spectra());
    await writeFileAtomic(
      join(folder, 'metrics.jsonl'),
      log.losses.map((line) => `${JSON.stringify(line)}\n`).join(''),
    );
    await writeJson(join(folder, 'result.json'), result);
  } finally {
    learner?.dispose();
    scorer.dispose();
  }
}

/** Takes the result over from the table of equal parameters where the table of equal MACs has the very same cell. */
export async function copyTwin({ out, plan }: JobContext, cell: CellJob): Promise<boolean> {
  const twin = twinOf(cell);
  if (twin === undefined) return false;
  const [from, to] = [cellKey(plan, twin), cellKey(plan, cell)];
  const result = await readJson<CellResult>(join(out, 'cells', from, 'result.json'));
  if (result === undefined) return false;
  await mkdir(join(out, 'cells', to), { recursive: true });
  await copyFile(join(out, 'cells', from, result.samples), join(out, 'cells', to, result.samples));
  await writeJson(join(out, 'cells', to, 'result.json'), { ...result, cell: to, table: cell.table });
  return true;
}
