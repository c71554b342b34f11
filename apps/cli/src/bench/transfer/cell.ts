import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import { type Pictures, writeGrid } from '../../sampling/grid';
import { median } from './base-training';
import type { JobContext } from './context';
import { twinOf } from './graph';
import { type CellJob, cellKey, specOf, tuningKey, tuningTask } from './jobs';
import { readJson, writeJson } from './json-file';
import type { Learner } from './learner';
import type { CellResult, Evaluation } from './result';
import { drawSamples, type Guidance, modesOf, sampleLabels } from './sampling';
import { openReferee } from './scoring';
import { runTransfer, transferPictures } from './transfer-run';
import type { Tuned } from './tuning';
import { validationLoss, validationSet } from './validation';

const gridColumns = 8;

/** The first pictures of every class as rows of a grid. */
export function firstOfEach(pictures: Pictures, each: number): Pictures {
  const shown = Math.min(gridColumns, each);
  const bytes = pictures.height * pictures.width * pictures.channels;
  const rows = pictures.count / each;
  const data = new Uint8Array(rows * shown * bytes);
  for (let row = 0; row < rows; row++) {
    data.set(pictures.data.subarray(row * each * bytes, (row * each + shown) * bytes), row * shown * bytes);
  }
  return { ...pictures, data, count: rows * shown };
}

/** Steps at which something is done `times` times, the last step among them. */
function evenSteps(steps: number, times: number): Set<number> {
  return new Set(Array.from({ length: times }, (_, i) => Math.max(1, Math.round((steps * (i + 1)) / times))));
}

/** Trains and scores one cell, and writes its folder; `result.json` comes last. */
export async function runCell(context: JobContext, cell: CellJob): Promise<CellResult> {
  const { out, plan, signal } = context;
  const key = cellKey(plan, cell);
  const folder = join(out, 'cells', key);
  const task = plan.tasks[cell.task];
  const { evaluation } = plan;
  const tuningJob = { task: tuningTask(plan, cell.task), method: cell.method, macsRank: cell.macsRank };
  const tuned = await readJson<Tuned>(join(out, 'tuning', `${tuningKey(plan, tuningJob)}.json`));
  if (tuned === undefined) throw new Error(`${key}: nothing has been chosen for it on the tuning classes`);
  const run = {
    spec: specOf(plan, cell),
    task: cell.task,
    classes: task.novel,
    imagesPerClass: cell.imagesPerClass,
    steps: cell.steps,
    seed: cell.seed,
    baseSeed: cell.seed,
    learningRate: tuned.learningRate,
  };
  const pictures = await transferPictures(context, run);
  const referee = await openReferee(context, { dataset: task.dataset, all: pictures.all, reference: pictures.heldOut });
  const held = await validationSet(pictures.heldOut, evaluation.validationPerClass);
  const { height, width, channels } = pictures.train;
  const chosen: Guidance = { mode: tuned.guidance.chosen, scale: tuned.guidance.scale };
  const evaluations: Evaluation[] = [];
  const losses: CellResult['losses'] = [];
  let shown: Pictures | undefined;
  const score = async (learner: Learner, at: { step: number; guidance: Guidance; each: number; loss?: number }) => {
    const { step, guidance, each, loss } = at;
    const labels = sampleLabels(task.novel.length, each);
    const samples = await drawSamples(learner, {
      labels,
      guidance,
      shape: [height, width, channels],
      evaluation,
      seed: cell.seed,
      signal,
    });
    const figures = await referee.score(samples, labels);
    const validation = loss === undefined ? {} : { validationLoss: loss };
    evaluations.push({ step, guidance: guidance.mode, scale: guidance.scale, ...figures, ...validation });
    return samples;
  };
  const curve = new Set(evaluation.curve.map((part) => Math.max(1, Math.round(part * cell.steps))));
  const validated = evenSteps(cell.steps, evaluation.losses);
  const times: number[] = [];
  let window: number[] = [];
  const started = performance.now();
  let away = 0;
  let peakRssMiB = 0;
  let learner: Learner | undefined;
  try {
    const trained = await runTransfer(context, {
      run,
      pictures,
      async onStep({ step, loss, ms, learner: now }) {
        times.push(ms);
        window.push(loss);
        // Of training alone: from the first scoring on, the process holds what sampling wanted.
        if (evaluations.length === 0) peakRssMiB = Math.max(peakRssMiB, process.memoryUsage.rss() / 2 ** 20);
        const begun = performance.now();
        if (step % evaluation.logEvery === 0 || validated.has(step)) {
          const train = window.reduce((a, b) => a + b, 0) / window.length;
          window = [];
          const validation = validated.has(step) ? { validation: await validationLoss(now, held) } : {};
          losses.push({ step, train, ...validation });
        }
        if (curve.has(step) && step < cell.steps) {
          const each = evaluation.curveSamplesPerClass ?? evaluation.samplesPerClass;
          await score(now, { step, guidance: chosen, each, loss: losses.at(-1)?.validation });
        }
        away += performance.now() - begun;
        context.progress((0.6 * step) / cell.steps);
      },
    });
    learner = trained.learner;
    const trainSeconds = (performance.now() - started - away) / 1000;
    const loss = await validationLoss(learner, held);
    const modes = modesOf(learner);
    for (const [i, mode] of modes.entries()) {
      const guidance = { mode, scale: tuned.scales[mode] ?? 1 };
      const each = evaluation.samplesPerClass;
      const samples = await score(learner, { step: cell.steps, guidance, each, loss });
      if (mode === chosen.mode) shown = samples;
      context.progress(0.6 + (0.4 * (i + 1)) / modes.length);
    }
    const result: CellResult = {
      cell: key,
      task: cell.task,
      dataset: task.dataset,
      method: cell.method,
      seed: cell.seed,
      imagesPerClass: cell.imagesPerClass,
      steps: cell.steps,
      table: cell.table,
      ...(cell.group !== undefined && { group: cell.group }),
      learningRate: tuned.learningRate,
      ...(trained.size !== undefined && { rank: trained.size }),
      ...learner.counts,
      guidance: tuned.guidance,
      evaluations,
      stepMs: median(times.slice(2)),
      peakRssMiB,
      trainSeconds,
      losses,
      samples: 'samples.png',
    };
    await mkdir(folder, { recursive: true });
    await writeGrid(
      join(folder, 'samples.png'),
      firstOfEach(shown as Pictures, evaluation.samplesPerClass),
      gridColumns,
    );
    if (learner.spectra) await writeJson(join(folder, 'spectra.json'), learner.spectra());
    await writeFileAtomic(join(folder, 'metrics.jsonl'), losses.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await writeJson(join(folder, 'result.json'), result);
    return result;
  } finally {
    learner?.dispose();
    referee.dispose();
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
