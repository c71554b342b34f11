import { join } from 'node:path';
import type { DiffusionLearner } from '@learngene/trainer';
import type { JobContext } from '../data/context';
import { readJson, writeJson } from '../data/json-file';
import type { TuningJob } from '../jobs/job';
import type { TuningPlan } from '../plan/benchmark-plan';
import type { GuidanceMode } from '../plan/result';
import { type Guidance, modesOf } from '../score/sampling';
import { openTransferEvaluator, type TransferEvaluator } from '../score/transfer-evaluator';
import { validationLoss } from '../score/validation';
import { runTransfer } from './transfer-run';

/** A guidance with its FID on the tuning classes. */
export interface TriedGuidance extends Guidance {
  fid: number;
}

/** One learning rate on the tuning classes. */
export interface TriedRate {
  learningRate: number;
  /** None where the training failed. */
  guidances: TriedGuidance[];
  validationLoss: number | null;
  error?: string;
}

/** What was chosen for a method on the tuning classes: tuning/<key>.json. */
export interface Tuned extends Pick<TuningJob, 'task' | 'method' | 'macsRank'> {
  classes: readonly string[];
  tried: TriedRate[];
  learningRate: number;
  /** The best of all. */
  guidance: { chosen: GuidanceMode; scale: number };
  /** The best scale of every mode that the method has. */
  scales: Partial<Record<GuidanceMode, number>>;
}

const best = (tried: readonly TriedGuidance[]) => tried.reduce((a, b) => (b.fid < a.fid ? b : a));

/** The guidances of a screening: every mode once. */
function screening(learner: DiffusionLearner, scale: number): Guidance[] {
  return modesOf(learner).map((mode) => ({ mode, scale: mode === 'none' ? 1 : scale }));
}

async function scoreAll(
  evaluator: TransferEvaluator,
  {
    learner,
    guidances,
    tuning: { samplesPerClass: each, seed },
  }: { learner: DiffusionLearner; guidances: readonly Guidance[]; tuning: TuningPlan },
): Promise<TriedGuidance[]> {
  const tried: TriedGuidance[] = [];
  for (const guidance of guidances) {
    const { scores } = await evaluator.score(learner, { guidance, each, seed });
    tried.push({ ...guidance, fid: scores.fid });
  }
  return tried;
}

/**
 * The next learning rate to try: where the best one is at an end of the sweep, the rate beyond it by the ratio of the last two.
 *
 * @param asked - the number of rates of the plan
 * @param extend - how often the sweep may go on
 * @returns undefined where the sweep ends
 */
export function nextRate(
  tried: readonly Pick<TriedRate, 'learningRate' | 'guidances'>[],
  asked: number,
  extend: number,
): number | undefined {
  if (tried.length < 2 || tried.length - asked >= extend) return undefined;
  const rates = tried.map(({ learningRate }) => learningRate).sort((a, b) => a - b);
  const good = tried.filter(({ guidances }) => guidances.length > 0);
  if (good.length === 0) return undefined;
  const top = good.reduce((a, b) => (best(b.guidances).fid < best(a.guidances).fid ? b : a)).learningRate;
  const [lowest, second] = rates;
  const [beforeLast, last] = rates.slice(-2);
  if (top === last) return Number(((last * last) / beforeLast).toPrecision(3));
  return top === lowest ? Number(((lowest * lowest) / second).toPrecision(3)) : undefined;
}

/** Chooses a method's learning rate and guidance on the tuning classes; every rate that was tried is kept at once. */
export async function tuneMethod(context: JobContext, job: TuningJob): Promise<void> {
  const { out, signal } = context;
  const { key, task, method, macsRank, transfer: input, tuning } = job;
  const { learningRates, extend, screenScale, scales, steps } = tuning;
  const evaluator = await openTransferEvaluator(context, job);
  const parts = learningRates.length + 1;
  let kept: { learningRate: number; learner: DiffusionLearner } | undefined;
  const train = async (learningRate: number, from: number) => {
    const { learner } = await runTransfer(context, {
      input,
      learningRate,
      train: evaluator.train,
      onStep: async ({ step }) => context.onProgress(Math.min(0.99, (from + (0.7 * step) / steps) / parts)),
    });
    kept?.learner.dispose();
    kept = { learningRate, learner };
    return learner;
  };
  const tryRate = async (learningRate: number, from: number): Promise<TriedRate> => {
    const file = join(out, 'tuning', key, `rate-${learningRate}.json`);
    const before = await readJson<TriedRate>(file);
    if (before && before.guidances.length > 0) return before;
    let tried: TriedRate;
    try {
      const learner = await train(learningRate, from);
      const guidances = await scoreAll(evaluator, { learner, guidances: screening(learner, screenScale), tuning });
      tried = { learningRate, guidances, validationLoss: await validationLoss(learner, evaluator.validation) };
    } catch (error) {
      signal.throwIfAborted();
      const message = error instanceof Error ? error.message : String(error);
      tried = { learningRate, guidances: [], validationLoss: null, error: message };
    }
    await writeJson(file, tried);
    return tried;
  };
  try {
    const tried: TriedRate[] = [];
    for (const rate of learningRates) tried.push(await tryRate(rate, tried.length));
    for (;;) {
      const next = nextRate(tried, learningRates.length, extend);
      if (next === undefined) break;
      tried.push(await tryRate(next, learningRates.length));
    }
    const good = tried.filter(({ guidances }) => guidances.length > 0);
    if (good.length === 0) throw new Error(`${key}: no learning rate trains: ${tried[0]?.error ?? 'none was tried'}`);
    const winner = good.reduce((a, b) => (best(b.guidances).fid < best(a.guidances).fid ? b : a));
    const learner =
      kept?.learningRate === winner.learningRate
        ? kept.learner
        : await train(winner.learningRate, learningRates.length);
    const more = modesOf(learner)
      .filter((mode) => mode !== 'none')
      .flatMap((mode) => scales.filter((scale) => scale !== screenScale).map((scale) => ({ mode, scale })));
    winner.guidances = [...winner.guidances, ...(await scoreAll(evaluator, { learner, guidances: more, tuning }))];
    const perMode = modesOf(learner).map((mode) => best(winner.guidances.filter((g) => g.mode === mode)));
    const chosen = best(perMode);
    const tuned: Tuned = {
      task,
      method,
      ...(macsRank !== undefined && { macsRank }),
      classes: input.classes,
      tried,
      learningRate: winner.learningRate,
      guidance: { chosen: chosen.mode, scale: chosen.scale },
      scales: Object.fromEntries(perMode.map(({ mode, scale }) => [mode, scale])),
    };
    await writeJson(join(out, 'tuning', `${key}.json`), tuned);
  } finally {
    (kept as { learner: DiffusionLearner } | undefined)?.learner.dispose();
    evaluator.dispose();
  }
}
