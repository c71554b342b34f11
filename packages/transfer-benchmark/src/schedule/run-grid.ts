import type { Progress } from '@learngene/pipeline';
import type { Plan } from '../plan/plan';
import { buildGraph, isDone } from './graph';
import { clearFailure, prepareGridFolder, retireCells, writeFailure, writeSpectra } from './grid-folder';
import { type Execute, runSchedule, type ScheduleResult } from './scheduler';

/** What {@link runGrid} runs. */
export interface RunGridOptions {
  out: string;
  plan: Plan;
  engine: { name: string; detail: string };
  /** Pieces of work at a time. */
  jobs: number;
  /** Keeps the cells of some methods. */
  only?: readonly string[];
  execute: Execute;
  output: Progress;
  signal: AbortSignal;
}

/** What came of a grid. */
export interface GridResult extends ScheduleResult {
  /** Cells of the plan, as far as they were asked for. */
  cells: number;
}

/** Runs all of a plan that its folder does not have yet. */
export async function runGrid(options: RunGridOptions): Promise<GridResult> {
  const { out, plan, engine, jobs, only, execute, output, signal } = options;
  await prepareGridFolder(out, plan, engine);
  const whole = buildGraph(plan);
  await retireCells(out, whole);
  const graph = only === undefined ? whole : buildGraph(plan, only);
  const cells = [...graph.values()].filter(({ job }) => job.kind === 'cell' || job.kind === 'budget').length;
  output.info(`${plan.name}: ${cells} cells, ${graph.size} pieces of work, ${jobs} at a time`);
  const scale = 1000;
  let bar: ReturnType<Progress['startBar']> | undefined;
  try {
    const result = await runSchedule(graph, {
      jobs,
      done: (job) => isDone(out, job),
      async execute(job, progress) {
        await clearFailure(out, job);
        await execute(job, progress);
      },
      signal,
      async onFailure(job, message) {
        await writeFailure(out, job, message);
        output.warn(`${job.key}: ${message}`);
      },
      onProgress({ cost, totalCost, done, total, failed, running }) {
        bar ??= output.startBar('Grid', Math.ceil(totalCost / scale), 'k passes');
        const broken = failed > 0 ? `, ${failed} failed` : '';
        bar.update(Math.floor(cost / scale), `${done}/${total}${broken} ${running.join(' ')}`);
      },
    });
    return { ...result, cells };
  } finally {
    bar?.stop();
    await writeSpectra(out, whole, plan);
  }
}
