import { join } from 'node:path';
import type { JobContext } from '../data/context';
import { baseData } from '../data/data';
import { readJson, writeJson } from '../data/json-file';
import { inLatents } from '../data/latents';
import type { BaseJob, LearningRateJob } from '../jobs/job';
import { type BaseRecord, trainBase } from './base-training';

/** What a base is made of, for its record. */
const descriptionOf = ({ spec, dataset, classes }: LearningRateJob['base']) => ({
  spec,
  dataset: dataset.name,
  ...inLatents(dataset),
  classes,
});

/** Chooses the learning rate of a form of base, by the loss on held-out images of its own classes. */
export async function chooseLearningRate(context: JobContext, job: LearningRateJob): Promise<void> {
  const { out, progress, signal } = context;
  const { key, base, learningRates } = job;
  const data = await baseData(out, base, progress);
  const tried: { learningRate: number; validationLoss: number | null }[] = [];
  for (const [i, rate] of learningRates.entries()) {
    const run = join(out, 'tuning', key, `rate-${rate}`);
    let record = await readJson<BaseRecord>(join(run, 'base.json'));
    if (record === undefined) {
      const onProgress = (done: number) => context.onProgress((i + done) / learningRates.length);
      try {
        record = await trainBase({ ...context, onProgress }, data, { run, base, rate });
      } catch (error) {
        signal.throwIfAborted();
        progress.warn(`${key}: learning rate ${rate}: ${error instanceof Error ? error.message : error}`);
      }
      if (record) await writeJson(join(run, 'base.json'), record);
    }
    tried.push({ learningRate: rate, validationLoss: record?.validationLoss ?? null });
  }
  const good = tried.filter(({ validationLoss }) => validationLoss !== null);
  if (good.length === 0) throw new Error(`${key}: no learning rate trains`);
  const best = good.reduce((a, b) => ((b.validationLoss as number) < (a.validationLoss as number) ? b : a));
  const { learningRate } = best;
  await writeJson(join(out, 'tuning', `${key}.json`), { base: descriptionOf(base), tried, learningRate });
}

/** The learning rate of a base: the plan's, or the one that was chosen. */
async function rateOf(out: string, { key, learningRate }: BaseJob): Promise<number> {
  if (typeof learningRate === 'number') return learningRate;
  const file = join(out, 'tuning', `${learningRate.chosenBy}.json`);
  const chosen = await readJson<{ learningRate: number }>(file);
  if (chosen === undefined) throw new Error(`${key}: its learning rate has not been chosen: ${file} cannot be read`);
  return chosen.learningRate;
}

/** Pre-trains a base, and writes `base.json` when it is done. */
export async function pretrainBase(context: JobContext, job: BaseJob): Promise<void> {
  const { out, progress } = context;
  const { key, base } = job;
  const run = join(out, 'bases', key);
  const data = await baseData(out, base, progress);
  const record = await trainBase(context, data, { run, base, rate: await rateOf(out, job) });
  await writeJson(join(run, 'base.json'), { ...descriptionOf(base), seed: base.seed, ...record });
}
