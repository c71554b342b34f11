import { setTimeout as sleep } from 'node:timers/promises';

/** Something whose work item was prepared. */
export interface Timed {
  run(samples: number, inner: number): Promise<number[]>;
}

/** How long a comparison may take. */
export interface Effort {
  /** Time for all rounds of all workers together, ms. */
  budget: number;
  /** Fewest rounds, whatever they take. */
  minRounds: number;
  /** Most rounds. */
  maxRounds: number;
}

/** A sample lasts at least this long, ms; shorter work is repeated within it. */
const SAMPLE = 4;
/** What one worker does in one round, ms. */
const SLICE = 120;
/** Between workers: thread pools that spin for a while after their work go to sleep, ms. */
const PAUSE = 25;

/** Work of this length is warm after its check: its warm-up counts as a sample, ms. */
const LONG = 2000;
/** Share of the budget that the warm-up of each worker takes: V8 goes on optimising a step's code for about fifty steps. */
const WARM_UP = 1 / 4;

/** How a worker's round is divided. */
export interface RoundPlan {
  /** Samples in a round. */
  samples: number;
  /** Executions in a sample. */
  inner: number;
}

/** The division of a round for work that takes `ms` an execution. */
export function planRound(ms: number): RoundPlan {
  const inner = Math.max(1, Math.min(10_000, Math.ceil(SAMPLE / ms)));
  const samples = Math.max(1, Math.min(20, Math.floor(SLICE / (inner * ms))));
  return { samples, inner };
}

/** The number of rounds when one of them takes `ms`; two or one are enough where it takes far more than the budget. */
export function planRounds(ms: number, { budget, minRounds, maxRounds }: Effort): number {
  if (ms > 2 * budget) return ms > 5 * budget ? 1 : 2;
  return Math.max(minRounds, Math.min(maxRounds, Math.floor(budget / ms)));
}

/**
 * Times workers in turns, A B A B ..., after a warm-up of each, so that a machine that slows down slows all of them.
 *
 * @returns for each worker, milliseconds of every sample
 */
export async function interleave(workers: readonly Timed[], effort: Effort): Promise<number[][]> {
  const plans: RoundPlan[] = [];
  const times: number[][] = workers.map(() => []);
  let round = 0;
  for (const [i, worker] of workers.entries()) {
    const [first] = await worker.run(1, 1);
    if (first > LONG) times[i].push(first);
    const warm = first > 1000 ? first : Math.min(...(await worker.run(3, Math.max(1, Math.floor(SAMPLE / first)))));
    const plan = planRound(warm);
    plans.push(plan);
    if (first <= 1000) await warmUp(worker, plan, WARM_UP * effort.budget);
    round += plan.samples * plan.inner * warm + PAUSE;
  }
  const rounds = planRounds(round, effort);
  for (let r = 0; r < rounds; r++) {
    for (const [i, worker] of workers.entries()) {
      await sleep(PAUSE);
      times[i].push(...(await worker.run(plans[i].samples, plans[i].inner)));
    }
  }
  return times;
}

/** Runs a worker's rounds for a time, ms. */
async function warmUp(worker: Timed, { samples, inner }: RoundPlan, time: number): Promise<void> {
  for (let spent = 0; spent < time; ) for (const ms of await worker.run(samples, inner)) spent += ms * inner;
}
